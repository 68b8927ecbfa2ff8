// TextThread: where long texts are made into tokens, one after the other.
//
// On a small machine gRPC has two threads for all callbacks of the process. The workers' replies
// and the health checks come through them: behind a few long texts they would come too late, and
// healthy workers be given up. Owned by the server. Thread-safe.
#pragma once

#include <cstddef>
#include <functional>

#include "common/base/background_task.h"
#include "common/base/bounded_queue.h"
#include "common/base/status.h"

namespace windrose {

class TextThread {
 public:
  // `capacity`: pieces of work that may wait.
  explicit TextThread(size_t capacity);
  ~TextThread();  // does what still waits
  TextThread(const TextThread&) = delete;
  TextThread& operator=(const TextThread&) = delete;

  // Does `work`, which reads a request of so many bytes: at once when they are few, else on the
  // thread. RESOURCE_EXHAUSTED when too much waits.
  Status Do(size_t request_bytes, std::function<void()> work);

 private:
  const size_t capacity_;
  BoundedQueue<std::function<void()>> waiting_;
  BackgroundTask thread_;  // joined before the rest is gone
};

}  // namespace windrose
