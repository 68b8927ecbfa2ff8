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

BackgroundTask::BackgroundTask(Work work, Priority priority, std::function<void()> on_done)
    : thread_([this, work = std::move(work), priority, on_done = std::move(on_done)] {
        if (priority == Priority::kLowest) LowerPriority();
        result_ = work(stop_);
        done_.store(true);
        if (on_done) on_done();
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
