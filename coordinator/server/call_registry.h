// CallRegistry: the streams that are open, so that a drain can wait for them and then end them.
//
// Owned by the server. Thread-safe. Bounded: beyond its capacity calls are refused.
#pragma once

#include <cstddef>
#include <memory>
#include <set>

#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/base/time.h"

namespace windrose {

// A call that can be ended from outside. Thread-safe.
class OpenCall {
 public:
  virtual ~OpenCall() = default;
  // Asks for its end with `reason`. The call ends later, and once.
  virtual void Abort(const Status& reason) = 0;
};

class CallRegistry {
 public:
  explicit CallRegistry(size_t capacity) : capacity_(capacity) {}

  // UNAVAILABLE after BeginDrain, RESOURCE_EXHAUSTED when full.
  Status Add(const std::shared_ptr<OpenCall>& call);
  void Remove(const std::shared_ptr<OpenCall>& call);

  void BeginDrain();
  bool draining() const;
  // False when calls are still open at `deadline`.
  bool WaitUntilEmpty(TimePoint deadline);
  // Aborts all calls that are open now; returns how many.
  size_t AbortAll(const Status& reason);

 private:
  const size_t capacity_;
  mutable Mutex mutex_;
  CondVar emptied_;
  std::set<std::shared_ptr<OpenCall>> calls_ WINDROSE_GUARDED_BY(mutex_);
  bool draining_ WINDROSE_GUARDED_BY(mutex_) = false;
};

}  // namespace windrose
