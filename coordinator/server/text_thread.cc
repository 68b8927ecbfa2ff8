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
      waiting_(capacity),
      thread_(
          [this](const std::atomic<bool>&) {
            while (auto work = waiting_.Pop(TimePoint::max())) (*work)();
            return OkStatus();
          },
          BackgroundTask::Priority::kNormal) {}

TextThread::~TextThread() { waiting_.Close(); }

Status TextThread::Do(size_t request_bytes, std::function<void()> work) {
  if (request_bytes <= kFewBytes) {
    work();
    return OkStatus();
  }
  if (waiting_.Push(std::move(work))) return OkStatus();
  return ResourceExhausted(std::to_string(capacity_) + " long texts are waiting already");
}

}  // namespace windrose
