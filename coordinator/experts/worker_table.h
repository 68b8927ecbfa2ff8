// WorkerTable: what this coordinator knows of its workers. Owned by the dispatcher; engine thread
// only.
//
// Makes a new Placement, with the next epoch, whenever something changes. A worker that let a
// deadline pass is suspect: it gets no rows that somebody else can compute, and is trusted again
// with its next answer. The coordinator is its own failure detector; nobody else is asked.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "coordinator/experts/dispatch_stats.h"
#include "coordinator/experts/expert_transport.h"
#include "coordinator/experts/placement.h"

namespace windrose {

class WorkerTable {
 public:
  WorkerTable(size_t expert_count, TimePoint now);

  void Up(WorkerId worker, const WorkerDescription& description, TimePoint now);
  void Down(WorkerId worker, TimePoint now);
  void Draining(WorkerId worker, TimePoint now);
  // Calls are overdue; returns how often that was so in a row, without an answer between.
  uint32_t Suspect(WorkerId worker, TimePoint now);
  void Answered(WorkerId worker, uint32_t queued_rows, TimePoint now);

  std::shared_ptr<const Placement> placement() const { return placement_; }

  // Like placement(), without `worker` wherever somebody else holds the expert; a suspect where
  // nobody else does.
  Placement Avoiding(WorkerId worker) const;

  // Since when `expert` has had no worker; nullopt when it has one.
  std::optional<TimePoint> MissingSince(ExpertId expert) const;

  // Rows waiting at each worker, by WorkerId, for one plan. What a worker said last counts half as
  // much in each plan after: it goes on working, and one that is not asked says nothing new.
  std::vector<double> TakeLoad();

  // Pairs that `worker` takes in one frame; at least 1.
  uint32_t max_rows(WorkerId worker) { return std::max(1U, Slot(worker).max_rows); }

  // The counters of one worker, grown as workers appear.
  WorkerStats& stats(WorkerId worker) { return Slot(worker).stats; }

  // Fills the per-worker and per-expert parts of `stats`.
  void Report(DispatchStats& stats) const;

 private:
  struct Entry {
    std::vector<ExpertId> experts;
    uint32_t overdue_in_a_row = 0;
    double queued_rows = 0;
    uint32_t max_rows = 0;
    bool draining = false;
    WorkerStats stats;
  };

  Entry& Slot(WorkerId worker);
  void Rebuild(TimePoint now);
  bool Usable(const Entry& entry) const { return entry.stats.up && !entry.draining; }

  std::vector<Entry> entries_;                           // by WorkerId
  std::vector<std::optional<TimePoint>> missing_since_;  // [experts]
  std::shared_ptr<const Placement> placement_;
};

}  // namespace windrose
