#include "coordinator/schedule/scheduler.h"

#include <algorithm>

#include "common/base/check.h"

namespace windrose {
namespace {

bool ArrivedBefore(const Sequence* a, const Sequence* b) { return a->id < b->id; }

void InsertByArrival(std::vector<Sequence*>& list, Sequence* sequence) {
  list.insert(std::upper_bound(list.begin(), list.end(), sequence, ArrivedBefore), sequence);
}

bool IsDecoding(const Sequence& sequence) { return sequence.pending() == 1; }

bool Holds(const Batch& batch, const Sequence& sequence) {
  return std::any_of(batch.spans.begin(), batch.spans.end(),
                     [&](const BatchSpan& span) { return span.sequence == sequence.id; });
}

// The first row whose logits are wanted: the prompt's for echo, else the last token's if it is
// here.
uint32_t FirstLogitRow(const Sequence& sequence, const BatchSpan& span) {
  const uint32_t end = span.first_position + span.row_count;
  if (sequence.echo_from < end && sequence.echo_from < sequence.prompt_length) {
    return span.first_row + std::max(sequence.echo_from, span.first_position) - span.first_position;
  }
  const bool reaches_last_token = end == sequence.tokens.size();
  return span.first_row + span.row_count - (reaches_last_token ? 1 : 0);
}

void AppendSpan(const Sequence& sequence, uint32_t row_count, Batch& batch) {
  BatchSpan span{.sequence = sequence.id,
                 .first_row = static_cast<uint32_t>(batch.row_count()),
                 .row_count = row_count,
                 .first_position = sequence.computed,
                 .blocks = sequence.blocks,
                 .first_logit_row = 0};
  span.first_logit_row = FirstLogitRow(sequence, span);
  for (uint32_t position = sequence.computed; position < sequence.computed + row_count;
       ++position) {
    batch.tokens.push_back(sequence.tokens[position]);
    batch.positions.push_back(position);
  }
  for (uint32_t row = span.first_logit_row; row < batch.row_count(); ++row) {
    batch.logit_rows.push_back(row);
  }
  batch.spans.push_back(std::move(span));
}

}  // namespace

Scheduler::Scheduler(const SchedulerLimits& limits)
    : limits_(limits), allocator_(limits.kv_blocks) {}

void Scheduler::Add(Sequence& sequence) { InsertByArrival(waiting_, &sequence); }

void Scheduler::Remove(Sequence& sequence) {
  std::erase(running_, &sequence);
  std::erase(waiting_, &sequence);
  allocator_.Release(sequence.blocks);
}

Batch Scheduler::Schedule() {
  Batch batch;
  AddDecodes(batch);
  AddPrefills(batch);
  Admit(batch);
  return batch;
}

void Scheduler::AddDecodes(Batch& batch) {
  const std::vector<Sequence*> candidates = running_;  // preemption edits running_
  for (Sequence* sequence : candidates) {
    if (!IsDecoding(*sequence) || RowsLeft(batch) == 0) continue;
    AddRows(*sequence, 1, batch);
  }
}

void Scheduler::AddPrefills(Batch& batch) {
  const std::vector<Sequence*> candidates = running_;
  for (Sequence* sequence : candidates) {
    if (IsDecoding(*sequence) || RowsLeft(batch) == 0) continue;
    AddRows(*sequence, RowsLeft(batch), batch);
  }
}

void Scheduler::Admit(Batch& batch) {
  while (!waiting_.empty() && running_.size() < limits_.max_sequences && RowsLeft(batch) > 0) {
    Sequence& next = *waiting_.front();
    // The whole of what it has must fit, so that an admitted prefill is not preempted by its own
    // kind.
    if (!allocator_.Extend(BlocksFor(static_cast<uint32_t>(next.tokens.size())), next.blocks))
      return;
    waiting_.erase(waiting_.begin());
    InsertByArrival(running_, &next);
    AddRows(next, RowsLeft(batch), batch);
  }
}

void Scheduler::AddRows(Sequence& sequence, uint32_t limit, Batch& batch) {
  // A sequence that was preempted in this very call no longer runs.
  if (std::find(running_.begin(), running_.end(), &sequence) == running_.end()) return;
  const uint32_t rows = std::min({sequence.pending(), limit, limits_.prefill_chunk});
  if (MakeRoom(sequence, sequence.computed + rows, batch)) AppendSpan(sequence, rows, batch);
}

bool Scheduler::MakeRoom(Sequence& sequence, uint32_t position_count, const Batch& batch) {
  while (!allocator_.Extend(BlocksFor(position_count), sequence.blocks)) {
    Sequence& victim = *running_.back();
    // What this step already computes must keep its blocks; it will have its turn again.
    if (Holds(batch, victim)) return false;
    Preempt(victim);
    if (&victim == &sequence) return false;
  }
  return true;
}

void Scheduler::Preempt(Sequence& sequence) {
  std::erase(running_, &sequence);
  allocator_.Release(sequence.blocks);
  sequence.computed = 0;
  InsertByArrival(waiting_, &sequence);
  ++preemptions_;
}

uint32_t Scheduler::RowsLeft(const Batch& batch) const {
  return limits_.max_batch_rows - static_cast<uint32_t>(batch.row_count());
}

}  // namespace windrose
