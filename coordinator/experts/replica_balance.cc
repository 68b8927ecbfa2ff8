#include "coordinator/experts/replica_balance.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

namespace windrose {
namespace {

// Of one worker with a few rows. docs/performance.md has both for the machine that was measured.
constexpr double kBytesPerSecond = 15e9;
constexpr double kOperationsPerSecond = 200e9;
// By how much a layer takes longer when it is two frames instead of one and both are answered at
// once.
constexpr double kFrameSeconds = 70e-6;

// Rows of a demand on their way from one worker to another.
struct Move {
  size_t demand = 0;
  WorkerId to;
  size_t rows = 0;
  double gain = 0;  // by which the slower of the two is done sooner, less what a new frame costs
};

// How a worker's demands would be computed by the others that are asked.
struct Leave {
  WorkerId worker;
  std::vector<Move> moves;
  double cost = 0;  // of the whole plan
};

class Balance {
 public:
  Balance(const std::vector<ExpertDemand>& demands, std::vector<double> load,
          const ShareCosts& costs)
      : demands_(demands),
        costs_(costs),
        load_(std::move(load)),
        asked_(load_.size()),
        parts_(demands.size()) {}

  // Graham's rule: the largest first, each to whoever is free first.
  void PlaceWhole() {
    std::vector<size_t> order(demands_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return demands_[a].rows > demands_[b].rows; });
    for (const size_t demand : order) {
      const auto anybody = [](WorkerId) { return true; };
      Give(demand, *FirstFree(demands_[demand], load_, anybody), Rows(demand));
    }
  }

  // As long as a worker's frame costs more than the others need for its demands.
  void LeaveOut(uint64_t turn) {
    while (const std::optional<Leave> leave = BestLeave(turn)) {
      for (const Move& move : leave->moves) {
        Take(move.demand, leave->worker, move.rows);
        Give(move.demand, move.to, move.rows);
      }
    }
  }

  // Each move leaves the two workers about even, so as many moves as workers are enough.
  void EvenOut() {
    for (size_t moves = 0; moves < load_.size(); ++moves) {
      const WorkerId from = SlowestAsked();
      const Move move = BestMove(from);
      if (move.gain <= costs_.weight_read) return;
      Take(move.demand, from, move.rows);
      Give(move.demand, move.to, move.rows);
    }
  }

  std::vector<std::vector<DemandPart>> TakeParts() { return std::move(parts_); }

 private:
  size_t Rows(size_t demand) const { return demands_[demand].rows; }
  bool Asked(WorkerId worker) const { return asked_[worker.value()] > 0; }

  // The holder with the least `load` of those that are `allowed`; its home wins among equals.
  template <typename Allowed>
  static std::optional<WorkerId> FirstFree(const ExpertDemand& demand,
                                           const std::vector<double>& load,
                                           const Allowed& allowed) {
    const size_t count = demand.holders.size();
    const size_t home = demand.expert.value() % count;
    std::optional<WorkerId> first;
    for (size_t step = 0; step < count; ++step) {
      const WorkerId holder = demand.holders[(home + step) % count];
      if (!allowed(holder)) continue;
      if (!first || load[holder.value()] < load[first->value()]) first = holder;
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
      load_[worker.value()] += costs_.weight_read;
      ++asked_[worker.value()];
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
    load_[worker.value()] -= costs_.weight_read;
    --asked_[worker.value()];
    std::erase_if(parts_[demand], [](const DemandPart& part) { return part.rows == 0; });
  }

  // What is minimised: when the slowest of the workers that are asked is done, and their frames.
  template <typename IsAsked>
  double Cost(const std::vector<double>& load, const IsAsked& asked) const {
    double slowest = 0;
    double frames = 0;
    for (size_t index = 0; index < load.size(); ++index) {
      if (!asked(WorkerId(static_cast<uint32_t>(index)))) continue;
      slowest = std::max(slowest, load[index]);
      frames += costs_.frame;
    }
    return slowest + frames;
  }

  // The best worker to leave out, if it is worth it; the first from `turn` on among equals.
  std::optional<Leave> BestLeave(uint64_t turn) const {
    std::optional<Leave> best;
    for (size_t step = 0; step < load_.size(); ++step) {
      const WorkerId worker(static_cast<uint32_t>((turn + step) % load_.size()));
      std::optional<Leave> leave = LeaveOf(worker);
      if (leave && (!best || leave->cost < best->cost)) best = std::move(leave);
    }
    const double cost = Cost(load_, [this](WorkerId worker) { return Asked(worker); });
    return best && best->cost < cost ? std::move(best) : std::nullopt;
  }

  // nullopt when the worker is not asked anyway, or nobody else holds what it is asked for.
  std::optional<Leave> LeaveOf(WorkerId worker) const {
    if (!Asked(worker)) return std::nullopt;
    const auto others = [&](WorkerId other) { return other != worker && Asked(other); };
    Leave leave{.worker = worker, .moves = {}, .cost = 0};
    std::vector<double> load = load_;
    for (size_t demand = 0; demand < demands_.size(); ++demand) {
      if (RowsAt(demand, worker) == 0) continue;
      const std::optional<WorkerId> to = FirstFree(demands_[demand], load, others);
      if (!to) return std::nullopt;
      load[to->value()] += costs_.weight_read + static_cast<double>(Rows(demand));
      leave.moves.push_back({.demand = demand, .to = *to, .rows = Rows(demand)});
    }
    leave.cost = Cost(load, others);
    return leave;
  }

  WorkerId SlowestAsked() const {
    WorkerId slowest(0);
    double latest = -1;
    for (size_t index = 0; index < load_.size(); ++index) {
      const WorkerId worker(static_cast<uint32_t>(index));
      if (!Asked(worker) || load_[index] <= latest) continue;
      latest = load_[index];
      slowest = worker;
    }
    return slowest;
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
    const double reading = RowsAt(demand, to) > 0 ? 0 : costs_.weight_read;
    const double spare = load_[from.value()] - load_[to.value()] - reading;
    if (to == from || spare < 2) return {};
    const size_t moved = std::min(rows, static_cast<size_t>(spare / 2));
    const double saved = moved == rows ? costs_.weight_read : 0;
    const double sooner =
        std::min(static_cast<double>(moved) + saved, spare - static_cast<double>(moved));
    const double frame = Asked(to) ? 0 : costs_.frame;
    return {.demand = demand, .to = to, .rows = moved, .gain = sooner - frame};
  }

  const std::vector<ExpertDemand>& demands_;
  const ShareCosts costs_;
  std::vector<double> load_;                    // by WorkerId, in rows
  std::vector<size_t> asked_;                   // by WorkerId: demands that it has a part of
  std::vector<std::vector<DemandPart>> parts_;  // by demand
};

}  // namespace

ShareCosts CostsOf(const ExpertSize& size) {
  const double operations = 2 * static_cast<double>(std::max<uint64_t>(size.weights, 1));
  const double row_seconds = operations / kOperationsPerSecond;
  return {.weight_read = static_cast<double>(size.weight_bytes) / kBytesPerSecond / row_seconds,
          .frame = kFrameSeconds / row_seconds};
}

std::vector<std::vector<DemandPart>> ShareOut(const std::vector<ExpertDemand>& demands,
                                              std::vector<double> load, const ShareCosts& costs,
                                              uint64_t turn) {
  Balance balance(demands, std::move(load), costs);
  balance.PlaceWhole();
  balance.LeaveOut(turn);
  balance.EvenOut();
  return balance.TakeParts();
}

}  // namespace windrose
