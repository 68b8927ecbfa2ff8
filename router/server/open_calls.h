// OpenCalls: how many of the public service's calls are open, so that a drain can wait for them and
// for nothing else that a gRPC server answers. Thread-safe.
#pragma once

#include <cstddef>

#include "common/base/mutex.h"
#include "common/base/time.h"

namespace windrose::router {

class OpenCalls {
 public:
  // One open call, as long as it lives. Must not outlive the OpenCalls.
  class Place {
   public:
    explicit Place(OpenCalls& calls) : calls_(calls) { calls_.Enter(); }
    ~Place() { calls_.Leave(); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    OpenCalls& calls_;
  };

  // False when calls are still open at `deadline`.
  bool WaitUntilNone(TimePoint deadline) {
    MutexLock lock(mutex_);
    while (count_ > 0) {
      if (!none_.WaitUntil(mutex_, deadline)) return count_ == 0;
    }
    return true;
  }

 private:
  void Enter() {
    MutexLock lock(mutex_);
    ++count_;
  }
  void Leave() {
    MutexLock lock(mutex_);
    if (--count_ == 0) none_.NotifyAll();
  }

  Mutex mutex_;
  CondVar none_;
  size_t count_ WINDROSE_GUARDED_BY(mutex_) = 0;
};

}  // namespace windrose::router
