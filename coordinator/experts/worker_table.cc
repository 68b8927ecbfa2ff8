#include "coordinator/experts/worker_table.h"

#include <algorithm>
#include <utility>

namespace windrose {

WorkerTable::WorkerTable(size_t expert_count, TimePoint now)
    : missing_since_(expert_count, now),
      placement_(std::make_shared<const Placement>(
          Placement{.epoch = 0,
                    .holders = std::vector<std::vector<WorkerId>>(expert_count),
                    .suspects = std::vector<std::vector<WorkerId>>(expert_count)})) {}

void WorkerTable::Up(WorkerId worker, const WorkerDescription& description, TimePoint now) {
  Entry& entry = Slot(worker);
  entry.experts = description.experts;
  entry.overdue_in_a_row = 0;
  entry.queued_rows = 0;
  entry.max_rows = description.max_rows;
  entry.draining = false;
  entry.stats.address = description.address;
  entry.stats.up = true;
  entry.stats.suspect = false;
  Rebuild(now);
}

void WorkerTable::Down(WorkerId worker, TimePoint now) {
  Entry& entry = Slot(worker);
  entry.stats.up = false;
  Rebuild(now);
}

void WorkerTable::Draining(WorkerId worker, TimePoint now) {
  Slot(worker).draining = true;
  Rebuild(now);
}

uint32_t WorkerTable::Suspect(WorkerId worker, TimePoint now) {
  Entry& entry = Slot(worker);
  ++entry.overdue_in_a_row;
  if (!std::exchange(entry.stats.suspect, true)) Rebuild(now);
  return entry.overdue_in_a_row;
}

void WorkerTable::Answered(WorkerId worker, uint32_t queued_rows, TimePoint now) {
  Entry& entry = Slot(worker);
  entry.queued_rows = queued_rows;
  entry.overdue_in_a_row = 0;
  if (std::exchange(entry.stats.suspect, false)) Rebuild(now);
}

Placement WorkerTable::Avoiding(WorkerId worker) const {
  Placement result = *placement_;
  for (size_t expert = 0; expert < result.holders.size(); ++expert) {
    std::vector<WorkerId>& holders = result.holders[expert];
    std::vector<WorkerId>& suspects = result.suspects[expert];
    if (holders.size() > 1) std::erase(holders, worker);
    const bool alone = holders.size() == 1 && holders.front() == worker;
    if (alone && !suspects.empty()) holders = std::exchange(suspects, {});
  }
  return result;
}

std::optional<TimePoint> WorkerTable::MissingSince(ExpertId expert) const {
  return missing_since_[expert.value()];
}

std::vector<double> WorkerTable::TakeLoad() {
  std::vector<double> load;
  load.reserve(entries_.size());
  for (Entry& entry : entries_) {
    load.push_back(entry.queued_rows);
    entry.queued_rows /= 2;
  }
  return load;
}

void WorkerTable::Report(DispatchStats& stats) const {
  stats.placement_epoch = placement_->epoch;
  stats.replicas_ready.clear();
  for (const auto& holders : placement_->holders) {
    stats.replicas_ready.push_back(static_cast<uint32_t>(holders.size()));
  }
  stats.workers.clear();
  for (const Entry& entry : entries_) stats.workers.push_back(entry.stats);
}

WorkerTable::Entry& WorkerTable::Slot(WorkerId worker) {
  if (worker.value() >= entries_.size()) entries_.resize(worker.value() + 1);
  return entries_[worker.value()];
}

void WorkerTable::Rebuild(TimePoint now) {
  Placement next{.epoch = placement_->epoch + 1,
                 .holders = std::vector<std::vector<WorkerId>>(missing_since_.size()),
                 .suspects = std::vector<std::vector<WorkerId>>(missing_since_.size())};
  for (size_t slot = 0; slot < entries_.size(); ++slot) {
    const Entry& entry = entries_[slot];
    if (!Usable(entry)) continue;
    auto& lists = entry.stats.suspect ? next.suspects : next.holders;
    for (const ExpertId expert : entry.experts) {
      if (expert.value() < lists.size()) {
        lists[expert.value()].emplace_back(static_cast<uint32_t>(slot));
      }
    }
  }
  for (size_t expert = 0; expert < next.holders.size(); ++expert) {
    // A suspect is better than nobody: it may only be slow.
    if (next.holders[expert].empty()) next.holders[expert].swap(next.suspects[expert]);
    const bool missing = next.holders[expert].empty();
    if (!missing) missing_since_[expert].reset();
    if (missing && !missing_since_[expert]) missing_since_[expert] = now;
  }
  placement_ = std::make_shared<const Placement>(std::move(next));
}

}  // namespace windrose
