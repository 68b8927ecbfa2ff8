#include "coordinator/schedule/scheduler.h"

#include <algorithm>
#include <iterator>

#include "common/base/check.h"

namespace windrose {
namespace {

bool GoesBefore(const Sequence* a, const Sequence* b) {
  return a->under_way != b->under_way ? a->under_way : a->id < b->id;
}

void Insert(std::vector<Sequence*>& list, Sequence* sequence) {
  list.insert(std::upper_bound(list.begin(), list.end(), sequence, GoesBefore), sequence);
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
  CHECK(BlocksFor(sequence.computed + row_count) <= sequence.blocks.size());
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

void Scheduler::Add(Sequence& sequence) { Insert(waiting_, &sequence); }

void Scheduler::Remove(Sequence& sequence) {
  std::erase(running_, &sequence);
  std::erase(waiting_, &sequence);
  allocator_.Release(sequence.blocks);
}

Batch Scheduler::Schedule() {
  Batch batch;
  AddDecodes(batch);
  Admit();
  AddPrefills(batch);
  return batch;
}

// By index: preemption shortens running_ from its end, where this loop has not been yet.
void Scheduler::AddDecodes(Batch& batch) {
  for (size_t index = 0; index < running_.size() && RowsLeft(batch) > 0; ++index) {
    Sequence& sequence = *running_[index];
    if (IsDecoding(sequence) && MakeRoom(sequence)) AppendSpan(sequence, 1, batch);
  }
}

void Scheduler::Admit() {
  while (!waiting_.empty() && running_.size() < limits_.max_sequences) {
    Sequence& next = *waiting_.front();
    // The whole of what it has must fit, so that prefills never preempt.
    if (!allocator_.Extend(BlocksFor(static_cast<uint32_t>(next.tokens.size())), next.blocks))
      return;
    waiting_.erase(waiting_.begin());
    Insert(running_, &next);
  }
}

// The first goes on whatever comes, so that each has its turn. Then those go first that have
// least left: a short prompt does not wait for the long ones before it.
void Scheduler::AddPrefills(Batch& batch) {
  std::vector<const Sequence*> prefills;
  std::copy_if(running_.begin(), running_.end(), std::back_inserter(prefills),
               [&](const Sequence* sequence) { return !Holds(batch, *sequence); });
  if (prefills.empty()) return;
  std::stable_sort(prefills.begin() + 1, prefills.end(), [](const Sequence* a, const Sequence* b) {
    return a->pending() < b->pending();
  });
  for (const Sequence* sequence : prefills) {
    const uint32_t rows = std::min({sequence->pending(), RowsLeft(batch), limits_.prefill_chunk});
    if (rows > 0) AppendSpan(*sequence, rows, batch);
  }
}

bool Scheduler::MakeRoom(Sequence& sequence) {
  while (!allocator_.Extend(BlocksFor(sequence.computed + 1), sequence.blocks)) {
    const bool is_last = running_.back() == &sequence;
    PreemptLast();
    if (is_last) return false;
  }
  return true;
}

void Scheduler::PreemptLast() {
  Sequence& last = *running_.back();
  running_.pop_back();
  allocator_.Release(last.blocks);
  if (last.computed > 0) ++preemptions_;
  last.computed = 0;
  Insert(waiting_, &last);
}

uint32_t Scheduler::RowsLeft(const Batch& batch) const {
  return limits_.max_batch_rows - static_cast<uint32_t>(batch.row_count());
}

}  // namespace windrose
