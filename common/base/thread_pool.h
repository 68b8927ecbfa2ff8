// ThreadPool: fork-join parallelism for the kernels, on a fixed set of threads.
//
// ParallelFor splits [0, count) into contiguous ranges, one body call each, and returns when all
// are done, without those threads that came too late for any. The caller's thread works too, so a
// pool of 1 runs inline. Which thread computes which index never changes a result: bodies write
// disjoint outputs. One ParallelFor at a time (one owner thread).
//
// Threads that find nothing to do sleep, so processes that compute in turn may each have as many
// threads as there are processors. They keep off the owner's processor: it computes as well, and a
// system that wakes a thread beside its waker, as guests of a hypervisor tend to, would have the
// two take turns while another processor is idle.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "common/base/mutex.h"

namespace windrose {

class ThreadPool {
 public:
  // `thread_count` >= 1 counts the owner's thread, which is the first. The others stay on one of
  // `cpus` each, in turn from the second on; without any they run where they like.
  explicit ThreadPool(size_t thread_count, std::vector<uint32_t> cpus = {});
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  size_t thread_count() const { return threads_.size() + 1; }

  // Calls body(begin, end) over disjoint ranges that cover [0, count). Ranges are multiples of
  // `grain` long (but the last). Owner thread only; bodies must not call ParallelFor.
  void ParallelFor(size_t count, size_t grain, const std::function<void(size_t, size_t)>& body);

 private:
  struct Job {
    const std::function<void(size_t, size_t)>* body = nullptr;
    size_t count = 0;
    size_t grain = 0;
    std::atomic<size_t> next{0};
  };

  // One of the pool's own.
  struct Member {
    std::thread thread;
    std::atomic<uint32_t> cpu{UINT32_MAX};  // where it last ran
    uint32_t kept_off = UINT32_MAX;         // the owner's, when it was last in the way
  };

  void Work(size_t index, Member& member);
  bool Enter(uint64_t& seen);
  void RunRanges();
  void WaitForOthers();
  void KeepOffOwner();

  const std::vector<uint32_t> cpus_;  // may be empty
  std::vector<uint32_t> roaming_;     // where threads keep off the owner; empty: they do not
  std::deque<Member> threads_;
  Job job_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<size_t> inside_{0};  // threads, without the owner, that have part in the job
  std::atomic<bool> stopping_{false};
  Mutex mutex_;
  bool open_ WINDROSE_GUARDED_BY(mutex_) = false;  // whether threads may still come to the job
  CondVar start_;
  CondVar finished_;
};

}  // namespace windrose
