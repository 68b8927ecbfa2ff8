// BoundedQueue: a FIFO between threads that refuses when full instead of growing or waiting.
//
// Push never blocks; Pop waits until a deadline. Close() wakes the poppers and refuses pushes; what
// is queued can still be popped. Thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "common/base/mutex.h"

namespace windrose {

template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  // False when the queue is full or closed; `item` is then untouched.
  [[nodiscard]] bool Push(T&& item) {
    {
      MutexLock lock(mutex_);
      if (closed_ || items_.size() >= capacity_) return false;
      items_.push_back(std::move(item));
    }
    changed_.NotifyOne();
    return true;
  }

  // The oldest item; nullopt once `deadline` has passed or the queue is closed and empty.
  std::optional<T> Pop(TimePoint deadline) {
    MutexLock lock(mutex_);
    while (items_.empty() && !closed_) {
      if (!changed_.WaitUntil(mutex_, deadline)) break;
    }
    return TakeFront();
  }

  std::optional<T> TryPop() {
    MutexLock lock(mutex_);
    return TakeFront();
  }

  void Close() {
    {
      MutexLock lock(mutex_);
      closed_ = true;
    }
    changed_.NotifyAll();
  }

  size_t size() const {
    MutexLock lock(mutex_);
    return items_.size();
  }

 private:
  std::optional<T> TakeFront() WINDROSE_REQUIRES(mutex_) {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    return item;
  }

  const size_t capacity_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<T> items_ WINDROSE_GUARDED_BY(mutex_);
  bool closed_ WINDROSE_GUARDED_BY(mutex_) = false;
};

}  // namespace windrose
