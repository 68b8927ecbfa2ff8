// StreamTable: the streams that are open, by number, up to a limit. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "common/base/mutex.h"
#include "common/base/time.h"

namespace windrose {

template <typename Stream>
class StreamTable {
 public:
  explicit StreamTable(size_t capacity) : capacity_(capacity) {}

  // A number that no stream of this table ever had.
  uint64_t NewNumber() {
    MutexLock lock(mutex_);
    return next_number_++;
  }

  // False when too many are open; the stream is held all the same, for the time it takes to end it.
  bool Add(uint64_t number, std::shared_ptr<Stream> stream) {
    MutexLock lock(mutex_);
    streams_.emplace(number, std::move(stream));
    return streams_.size() <= capacity_;
  }

  // Null when it is gone.
  std::shared_ptr<Stream> Find(uint64_t number) const {
    MutexLock lock(mutex_);
    const auto found = streams_.find(number);
    return found == streams_.end() ? nullptr : found->second;
  }

  void Remove(uint64_t number) {
    std::shared_ptr<Stream> removed;  // Destroyed after the lock is released.
    MutexLock lock(mutex_);
    const auto found = streams_.find(number);
    if (found == streams_.end()) return;
    removed = std::move(found->second);
    streams_.erase(found);
    removed_.NotifyAll();  // Under the lock: the waiter may destroy this as soon as it has it.
  }

  std::vector<std::shared_ptr<Stream>> All() const {
    MutexLock lock(mutex_);
    std::vector<std::shared_ptr<Stream>> all;
    for (const auto& [number, stream] : streams_) all.push_back(stream);
    return all;
  }

  // False when more than `count` are open at `deadline`.
  bool AwaitAtMost(size_t count, TimePoint deadline) {
    MutexLock lock(mutex_);
    while (streams_.size() > count) {
      if (!removed_.WaitUntil(mutex_, deadline)) return streams_.size() <= count;
    }
    return true;
  }

  size_t size() const {
    MutexLock lock(mutex_);
    return streams_.size();
  }

 private:
  const size_t capacity_;
  mutable Mutex mutex_;
  CondVar removed_;
  uint64_t next_number_ WINDROSE_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, std::shared_ptr<Stream>> streams_ WINDROSE_GUARDED_BY(mutex_);
};

}  // namespace windrose
