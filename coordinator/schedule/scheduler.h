// Scheduler: which rows the next step computes. Owned by the engine; engine thread only.
//
// Continuous batching with chunked prefill (Yu et al., "Orca", OSDI 2022; Agrawal et al.,
// "Sarathi-Serve", OSDI 2024): every step takes one row of each decoding sequence first, then
// chunks of prefill, up to a budget of rows: of the earliest, so that none starves, then of those
// that have least left. When the KV cache is full, the latest arrival gives its blocks back and is
// computed again later (Kwon et al., "PagedAttention", SOSP 2023): nothing running ever fails.
//
// Answers that began on another coordinator count as earlier than all that did not.
//
// Invariants: a sequence waits or runs, never both; both lists are in order of arrival; only
// running sequences hold blocks, a prefill those of all its tokens.
#pragma once

#include <cstdint>
#include <vector>

#include "coordinator/schedule/kv_allocator.h"
#include "coordinator/values/batch.h"
#include "coordinator/values/sequence.h"

namespace windrose {

struct SchedulerLimits {
  uint32_t max_sequences = 64;    // running at once
  uint32_t max_batch_rows = 512;  // rows of one step
  uint32_t prefill_chunk = 256;   // rows of one sequence in one step
  uint32_t kv_blocks = 1024;      // blocks of kKvBlockSize positions
};

class Scheduler {
 public:
  explicit Scheduler(const SchedulerLimits& limits);

  // Takes a new sequence, which must outlive its Remove. Its longest possible length must fit the
  // cache alone (FitsCache); the caller has checked.
  void Add(Sequence& sequence);

  // Forgets a sequence and frees its blocks.
  void Remove(Sequence& sequence);

  // The next step; empty when nothing waits or runs.
  Batch Schedule();

  bool FitsCache(uint32_t position_count) const {
    return BlocksFor(position_count) <= allocator_.block_count();
  }
  bool idle() const { return running_.empty() && waiting_.empty(); }
  uint32_t running_count() const { return static_cast<uint32_t>(running_.size()); }
  uint32_t waiting_count() const { return static_cast<uint32_t>(waiting_.size()); }
  uint32_t blocks_used() const { return allocator_.used_count(); }
  uint32_t blocks_total() const { return allocator_.block_count(); }
  // How often something was given up that has to be computed again.
  uint64_t preemptions() const { return preemptions_; }

 private:
  void AddDecodes(Batch& batch);
  void Admit();
  void AddPrefills(Batch& batch);
  // Gives `sequence` the block of its next position, if need be from the latest arrivals; false
  // when it is the latest itself, and has been preempted.
  bool MakeRoom(Sequence& sequence);
  void PreemptLast();
  uint32_t RowsLeft(const Batch& batch) const;

  const SchedulerLimits limits_;
  KvAllocator allocator_;
  std::vector<Sequence*> running_;
  std::vector<Sequence*> waiting_;
  uint64_t preemptions_ = 0;
};

}  // namespace windrose
