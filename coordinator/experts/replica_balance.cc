#include "coordinator/experts/replica_balance.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

namespace windrose {
namespace {

// Rows of a demand on their way from the slowest worker to another.
struct Move {
  size_t demand = 0;
  WorkerId to;
  size_t rows = 0;
  double gain = 0;  // by which the slower of the two is done sooner
};

class Balance {
 public:
  Balance(const std::vector<ExpertDemand>& demands, std::vector<double> load)
      : demands_(demands), load_(std::move(load)), parts_(demands.size()) {}

  // Graham's rule: the largest first, each to whoever is free first.
  void PlaceWhole() {
    std::vector<size_t> order(demands_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return demands_[a].rows > demands_[b].rows; });
    for (const size_t demand : order) Give(demand, FirstFree(demands_[demand]), Rows(demand));
  }

  // Each move leaves the two workers about even, so as many moves as workers are enough.
  void EvenOut() {
    for (size_t moves = 0; moves < load_.size(); ++moves) {
      const auto slowest = std::max_element(load_.begin(), load_.end());
      const WorkerId from(static_cast<uint32_t>(slowest - load_.begin()));
      const Move move = BestMove(from);
      if (move.gain <= kWeightReadRows) return;
      Take(move.demand, from, move.rows);
      Give(move.demand, move.to, move.rows);
    }
  }

  std::vector<std::vector<DemandPart>> TakeParts() { return std::move(parts_); }

 private:
  size_t Rows(size_t demand) const { return demands_[demand].rows; }

  WorkerId FirstFree(const ExpertDemand& demand) const {
    const size_t count = demand.holders.size();
    const size_t home = demand.expert.value() % count;
    WorkerId first = demand.holders[home];
    for (size_t step = 1; step < count; ++step) {
      const WorkerId holder = demand.holders[(home + step) % count];
      if (load_[holder.value()] < load_[first.value()]) first = holder;
    }
    return first;
  }

  size_t RowsAt(size_t demand, WorkerId worker) const {
    for (const DemandPart& part : parts_[demand]) {
      if (part.worker == worker) return part.rows;
    }
    return 0;
  }

  void Give(size_t demand, WorkerId worker, size_t rows) {
    if (RowsAt(demand, worker) == 0) {
      load_[worker.value()] += kWeightReadRows;
      parts_[demand].push_back({worker, 0});
    }
    load_[worker.value()] += static_cast<double>(rows);
    for (DemandPart& part : parts_[demand]) {
      if (part.worker == worker) part.rows += rows;
    }
  }

  void Take(size_t demand, WorkerId worker, size_t rows) {
    load_[worker.value()] -= static_cast<double>(rows);
    for (DemandPart& part : parts_[demand]) {
      if (part.worker == worker) part.rows -= rows;
    }
    if (RowsAt(demand, worker) > 0) return;
    load_[worker.value()] -= kWeightReadRows;
    std::erase_if(parts_[demand], [](const DemandPart& part) { return part.rows == 0; });
  }

  Move BestMove(WorkerId from) const {
    Move best;
    for (size_t demand = 0; demand < demands_.size(); ++demand) {
      const size_t rows = RowsAt(demand, from);
      if (rows == 0) continue;
      for (const WorkerId to : demands_[demand].holders) {
        const Move move = MoveOf(demand, rows, from, to);
        if (move.gain > best.gain) best = move;
      }
    }
    return best;
  }

  // As many of the `rows` as leave both workers done at the same time.
  Move MoveOf(size_t demand, size_t rows, WorkerId from, WorkerId to) const {
    const double reading = RowsAt(demand, to) > 0 ? 0 : kWeightReadRows;
    const double spare = load_[from.value()] - load_[to.value()] - reading;
    if (to == from || spare < 2) return {};
    const size_t moved = std::min(rows, static_cast<size_t>(spare / 2));
    const double saved = moved == rows ? kWeightReadRows : 0;
    const double gain =
        std::min(static_cast<double>(moved) + saved, spare - static_cast<double>(moved));
    return {.demand = demand, .to = to, .rows = moved, .gain = gain};
  }

  const std::vector<ExpertDemand>& demands_;
  std::vector<double> load_;                    // by WorkerId
  std::vector<std::vector<DemandPart>> parts_;  // by demand
};

}  // namespace

std::vector<std::vector<DemandPart>> ShareOut(const std::vector<ExpertDemand>& demands,
                                              std::vector<double> load) {
  Balance balance(demands, std::move(load));
  balance.PlaceWhole();
  balance.EvenOut();
  return balance.TakeParts();
}

}  // namespace windrose
