// Mutex, MutexLock and CondVar: std::mutex with Clang's thread-safety annotations.
//
// Ours instead of absl's because thread sanitizers see through std::mutex. Locks are leaf locks:
// never held across I/O, a callback or another lock. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "common/base/time.h"

#if defined(__clang__)
#define WINDROSE_ANNOTATE(x) __attribute__((x))
#else
#define WINDROSE_ANNOTATE(x)
#endif
#define WINDROSE_CAPABILITY(x) WINDROSE_ANNOTATE(capability(x))
#define WINDROSE_SCOPED_CAPABILITY WINDROSE_ANNOTATE(scoped_lockable)
#define WINDROSE_GUARDED_BY(x) WINDROSE_ANNOTATE(guarded_by(x))
#define WINDROSE_REQUIRES(...) WINDROSE_ANNOTATE(requires_capability(__VA_ARGS__))
#define WINDROSE_ACQUIRE(...) WINDROSE_ANNOTATE(acquire_capability(__VA_ARGS__))
#define WINDROSE_RELEASE(...) WINDROSE_ANNOTATE(release_capability(__VA_ARGS__))
#define WINDROSE_NO_THREAD_SAFETY_ANALYSIS WINDROSE_ANNOTATE(no_thread_safety_analysis)

namespace windrose {

class WINDROSE_CAPABILITY("mutex") Mutex {
 public:
  void Lock() WINDROSE_ACQUIRE() { mutex_.lock(); }
  void Unlock() WINDROSE_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds `mutex` for a scope.
class WINDROSE_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) WINDROSE_ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() WINDROSE_RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits release and retake the mutex, which the caller holds. Callers re-check their condition.
class CondVar {
 public:
  void Wait(Mutex& mutex) WINDROSE_REQUIRES(mutex) WINDROSE_NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // Returns false when `deadline` passed. `deadline` is on the monotonic clock.
  bool WaitUntil(Mutex& mutex, TimePoint deadline)
      WINDROSE_REQUIRES(mutex) WINDROSE_NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const std::cv_status status = condition_.wait_until(lock, deadline);
    lock.release();
    return status == std::cv_status::no_timeout;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace windrose
