#include "common/base/background_task.h"

#include <sys/resource.h>

#include <utility>

namespace windrose {
namespace {

constexpr int kLowest = 19;

// Of the calling thread alone, on Linux; the disk serves it last as well. Without it the work is
// merely done sooner.
void LowerPriority() { (void)setpriority(PRIO_PROCESS, 0, kLowest); }

}  // namespace

BackgroundTask::BackgroundTask(Work work)
    : thread_([this, work = std::move(work)] {
        LowerPriority();
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
