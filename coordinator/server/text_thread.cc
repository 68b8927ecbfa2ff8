#include "coordinator/server/text_thread.h"

#include <atomic>
#include <string>
#include <utility>

namespace windrose {
namespace {

// Texts of that length take a few milliseconds, and wait for nobody.
constexpr size_t kFewBytes = size_t{16} << 10;

}  // namespace

TextThread::TextThread(size_t capacity)
    : capacity_(capacity),
      thread_(
          [this](const std::atomic<bool>&) {
            Run();
            return OkStatus();
          },
          BackgroundTask::Priority::kNormal) {}

TextThread::~TextThread() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyOne();
}

Status TextThread::Do(size_t request_bytes, std::function<void()> work) {
  if (request_bytes <= kFewBytes) {
    work();
    return OkStatus();
  }
  {
    MutexLock lock(mutex_);
    if (waiting_.size() >= capacity_) {
      return ResourceExhausted(std::to_string(capacity_) + " long texts are waiting already");
    }
    waiting_.push_back(std::move(work));
  }
  changed_.NotifyOne();
  return OkStatus();
}

void TextThread::Run() {
  while (true) {
    std::function<void()> work;
    {
      MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) changed_.Wait(mutex_);
      if (waiting_.empty()) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    work();
  }
}

}  // namespace windrose
