#include "tests/sim/scenario.h"

#include <algorithm>
#include <utility>

#include "common/base/random.h"
#include "tests/sim/sim_cluster.h"

namespace windrose {
namespace {

constexpr uint32_t kRequests = 5;
constexpr uint32_t kKvBlocks = 12;  // few, so that runs preempt
constexpr uint32_t kQueueBound = 4096;

// Draws of one run; the stream keeps them apart from the network's.
class Dice {
 public:
  explicit Dice(uint64_t seed) : seed_(seed) {}
  uint64_t Below(uint64_t limit) { return BitsAt(seed_, draws_++, 11) % limit; }

 private:
  const uint64_t seed_;
  uint64_t draws_ = 0;
};

bool Has(FaultKind kind, FaultKind wanted) { return kind == wanted || kind == FaultKind::kAll; }

NetworkFaults FaultsOf(FaultKind kind) {
  NetworkFaults faults;
  if (Has(kind, FaultKind::kDelay)) {
    faults.jitter = Microseconds(500);
    faults.delay = 0.02;
    faults.delay_by = Milliseconds(400);
  }
  if (Has(kind, FaultKind::kReorder)) {
    faults.reorder = true;
    faults.max_rows = 2;  // so that several frames are on their way
    faults.jitter = Milliseconds(2);
  }
  if (Has(kind, FaultKind::kDuplicate)) faults.duplicate = 0.3;
  if (Has(kind, FaultKind::kCorrupt)) faults.corrupt = 0.02;
  if (Has(kind, FaultKind::kRefuse)) faults.refuse = 0.05;
  if (Has(kind, FaultKind::kLose)) faults.lose = 0.02;
  // By itself: with the other holder dead, the spoiled rows would be believed.
  if (kind == FaultKind::kSpoil) faults.spoil = 0.1;
  return faults;
}

// Ends a worker's life (or freezes it, or drains it) now and then, and gives it back.
class Saboteur {
 public:
  Saboteur(SimCluster& cluster, FaultKind kind, uint64_t seed)
      : cluster_(cluster), kind_(kind), dice_(seed) {
    Next();
  }

  uint64_t strikes() const { return strikes_; }
  void Retire() { retired_ = true; }

 private:
  void Next() {
    cluster_.loop().After(Microseconds(static_cast<int64_t>(200 + dice_.Below(8000))), [this] {
      if (retired_) return;
      Strike();
      Next();
    });
  }

  void Strike() {
    const WorkerId worker(static_cast<uint32_t>(dice_.Below(cluster_.network().worker_count())));
    if (!cluster_.network().alive(worker)) return;
    if (busy_[worker.value()]) return;
    const bool crash = kind_ == FaultKind::kAll ? dice_.Below(2) == 0 : kind_ == FaultKind::kCrash;
    const bool stop = kind_ == FaultKind::kAll ? !crash : kind_ == FaultKind::kStop;
    if (!crash && !stop && kind_ != FaultKind::kDrain) return;
    ++strikes_;
    busy_[worker.value()] = true;
    const Duration away = Milliseconds(static_cast<int64_t>(1 + dice_.Below(stop ? 900 : 60)));
    if (stop) return Stop(worker, away);
    if (crash) cluster_.network().Kill(worker);
    if (!crash) cluster_.network().Drain(worker);
    cluster_.loop().After(away, [this, worker] {
      if (cluster_.network().alive(worker)) cluster_.network().Kill(worker);
      cluster_.network().Restart(worker);
      busy_[worker.value()] = false;
    });
  }

  void Stop(WorkerId worker, Duration away) {
    cluster_.network().Freeze(worker);
    cluster_.loop().After(away, [this, worker] {
      cluster_.network().Thaw(worker);
      busy_[worker.value()] = false;
    });
  }

  SimCluster& cluster_;
  const FaultKind kind_;
  Dice dice_;
  uint64_t strikes_ = 0;
  bool retired_ = false;
  std::vector<bool> busy_ = std::vector<bool>(64);
};

void CheckAnswer(const Collected& got, const std::vector<TokenId>& wanted, size_t request,
                 std::vector<std::string>& violations) {
  const std::string who = "request " + std::to_string(request) + ": ";
  if (got.ends != 1) violations.push_back(who + std::to_string(got.ends) + " ends");
  if (!got.finish) violations.push_back(who + "failed: " + ToString(got.error));
  if (got.finish && got.tokens() != wanted) violations.push_back(who + "tokens differ");
  for (size_t index = 0; index < got.events.size(); ++index) {
    if (got.events[index].index != index) violations.push_back(who + "indexes have a gap");
  }
}

ClusterShape ShapeOf(uint64_t seed) {
  Dice dice(seed ^ 0x5ADE);
  ClusterShape shape;
  shape.workers = 2 + dice.Below(4);
  shape.replication = 2;
  shape.scheduler.kv_blocks = kKvBlocks;
  shape.scheduler.prefill_chunk = static_cast<uint32_t>(1 + dice.Below(40));
  shape.scheduler.max_sequences = static_cast<uint32_t>(1 + dice.Below(kRequests));
  shape.dispatch.deadlines.initial = Milliseconds(100);
  shape.dispatch.deadlines.floor = Milliseconds(5);
  shape.dispatch.expert_wait = Seconds(30);
  if (dice.Below(4) == 0) shape.expert = kSmallExpert;
  return shape;
}

}  // namespace

const char* Name(FaultKind kind) {
  constexpr const char* kNames[] = {"none",    "crash",  "stop", "delay", "reorder", "duplicate",
                                    "corrupt", "refuse", "lose", "drain", "spoil",   "all"};
  return kNames[static_cast<size_t>(kind)];
}

std::vector<Request> MakeRequests(uint64_t seed, uint32_t vocabulary) {
  Dice dice(seed);
  std::vector<Request> requests(kRequests);
  for (Request& request : requests) {
    const uint64_t length = 1 + dice.Below(60);
    for (uint64_t index = 0; index < length; ++index) {
      request.prompt.emplace_back(static_cast<uint32_t>(3 + dice.Below(vocabulary - 3)));
    }
    request.max_tokens = static_cast<uint32_t>(1 + dice.Below(24));
    request.sampling.temperature = dice.Below(2) == 0 ? 0.0F : 0.8F;
    request.sampling.seed = dice.Below(1000);
    request.ignore_eos = true;
  }
  return requests;
}

std::vector<std::vector<TokenId>> ReferenceAnswers(const Checkpoint& checkpoint,
                                                   const Tokenizer& tokenizer,
                                                   const std::vector<Request>& requests) {
  ClusterShape shape;
  shape.workers = 1;
  shape.replication = 1;
  shape.scheduler.kv_blocks = 64;
  std::vector<std::vector<TokenId>> answers;
  SimCluster cluster(checkpoint, tokenizer, shape);
  for (const Request& request : requests) {
    const auto collected = cluster.Submit(request);
    cluster.RunUntilDone();
    answers.push_back(collected->tokens());
  }
  return answers;
}

ScenarioResult RunScenario(const Checkpoint& checkpoint, const Tokenizer& tokenizer, FaultKind kind,
                           uint64_t seed) {
  const std::vector<Request> requests = MakeRequests(seed, checkpoint.config().vocabulary);
  const auto wanted = ReferenceAnswers(checkpoint, tokenizer, requests);
  SimCluster cluster(checkpoint, tokenizer, ShapeOf(seed), seed, FaultsOf(kind));
  Saboteur saboteur(cluster, kind, seed);
  Dice dice(seed ^ 0xA11);
  std::vector<std::shared_ptr<Collected>> answers(requests.size());
  for (size_t index = 0; index < requests.size(); ++index) {
    answers[index] = cluster.Submit(requests[index]);
    // The next one arrives some steps later, in the middle of the others.
    for (uint64_t steps = dice.Below(6); steps > 0; --steps) cluster.engine().RunOnce();
  }
  ScenarioResult result;
  if (!cluster.RunUntilDone()) result.violations.push_back("not done within the limit");
  saboteur.Retire();
  for (size_t index = 0; index < requests.size(); ++index) {
    CheckAnswer(*answers[index], wanted[index], index, result.violations);
  }
  if (cluster.kv_blocks_used() != 0) result.violations.push_back("KV blocks in use at rest");
  if (cluster.engine().unfinished() != 0) result.violations.push_back("unfinished at rest");
  if (cluster.network().most_rows_waiting() > kQueueBound) {
    result.violations.push_back("a worker's queue exceeded its bound");
  }
  result.trace_hash = cluster.loop().trace_hash();
  result.strikes = saboteur.strikes();
  result.injected = cluster.network().injected();
  result.preemptions = cluster.preemptions();
  result.retries = cluster.dispatcher().Stats().retries;
  return result;
}

}  // namespace windrose
