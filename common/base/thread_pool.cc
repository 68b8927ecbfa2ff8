#include "common/base/thread_pool.h"

#include <algorithm>
#include <utility>

#include "common/base/thread_placement.h"

namespace windrose {
namespace {

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Looks for a while whether `done` holds before its caller sleeps: forks follow each other closely
// within a step, and a sleep and wake-up costs as much as a small matrix product. Whoever else
// wants the processor gets it: it may be the process that this one waits for.
template <typename Done>
void SpinUntil(const Done& done) {
  constexpr int kYields = 125;
  constexpr int kLooksBetween = 16;
  for (int yields = 0; yields < kYields; ++yields) {
    for (int look = 0; look < kLooksBetween; ++look) {
      if (done()) return;
      Pause();
    }
    std::this_thread::yield();
  }
}

}  // namespace

ThreadPool::ThreadPool(size_t thread_count, std::vector<uint32_t> cpus) : cpus_(std::move(cpus)) {
  if (cpus_.empty()) roaming_ = UsableCpus();
  // Somebody has to share a processor, with the owner or not.
  if (roaming_.size() < thread_count) roaming_.clear();
  for (size_t index = 1; index < thread_count; ++index) {
    Member& member = threads_.emplace_back();
    member.thread = std::thread([this, index, &member] { Work(index, member); });
  }
}

ThreadPool::~ThreadPool() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    generation_.fetch_add(1);
  }
  start_.NotifyAll();
  for (Member& member : threads_) member.thread.join();
}

void ThreadPool::ParallelFor(size_t count, size_t grain,
                             const std::function<void(size_t, size_t)>& body) {
  if (count == 0) return;
  if (threads_.empty() || count <= grain) return body(0, count);
  job_.body = &body;
  job_.count = count;
  job_.grain = grain;
  job_.next.store(0);
  KeepOffOwner();
  {
    MutexLock lock(mutex_);
    generation_.fetch_add(1);
    open_ = true;
  }
  start_.NotifyAll();
  RunRanges();
  WaitForOthers();
}

// All ranges are taken: a thread that has not come by now need not come.
void ThreadPool::WaitForOthers() {
  {
    MutexLock lock(mutex_);
    open_ = false;
  }
  SpinUntil([&] { return inside_.load() == 0; });
  MutexLock lock(mutex_);
  while (inside_.load() != 0) finished_.Wait(mutex_);
}

// Costs a call of the system when the owner has come to a thread's processor, else nothing.
void ThreadPool::KeepOffOwner() {
  if (roaming_.empty()) return;
  const uint32_t here = CurrentCpu();
  for (Member& member : threads_) {
    if (member.cpu.load() != here || member.kept_off == here) continue;
    KeepOff(member.thread, roaming_, here);
    member.kept_off = here;
  }
}

// Ranges are long at first, which memory likes, and short at last, so that all threads end
// together; a quarter of a thread's share of what is left, lest one that is descheduled holds up
// the others.
void ThreadPool::RunRanges() {
  size_t begin = job_.next.load();
  while (begin < job_.count) {
    const size_t share = (job_.count - begin) / (4 * thread_count());
    const size_t end =
        std::min(begin + std::max(share / job_.grain, size_t{1}) * job_.grain, job_.count);
    if (!job_.next.compare_exchange_weak(begin, end)) continue;
    (*job_.body)(begin, end);
    begin = job_.next.load();
  }
}

void ThreadPool::Work(size_t index, Member& member) {
  Pin(cpus_, index);
  uint64_t seen = 0;
  for (;;) {
    SpinUntil([&] { return generation_.load() != seen; });
    if (!Enter(seen)) continue;
    if (stopping_.load()) return;
    member.cpu.store(CurrentCpu());
    RunRanges();
    if (inside_.fetch_sub(1) == 1) {
      MutexLock lock(mutex_);
      finished_.NotifyOne();
    }
  }
}

// Waits for a generation after `seen`, and sets it. False when its job is done already.
bool ThreadPool::Enter(uint64_t& seen) {
  MutexLock lock(mutex_);
  while (generation_.load() == seen) start_.Wait(mutex_);
  seen = generation_.load();
  if (open_) inside_.fetch_add(1);
  return open_ || stopping_.load();
}

}  // namespace windrose
