#include "common/base/background_task.h"

#include <utility>

namespace windrose {

BackgroundTask::BackgroundTask(Work work)
    : thread_([this, work = std::move(work)] {
        result_ = work(stop_);
        done_.store(true);
      }) {}

BackgroundTask::~BackgroundTask() {
  stop_.store(true);
  thread_.join();
}

std::optional<Status> BackgroundTask::result() const {
  if (!done_.load()) return std::nullopt;
  return result_;
}

}  // namespace windrose
