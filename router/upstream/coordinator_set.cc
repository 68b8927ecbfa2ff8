#include "router/upstream/coordinator_set.h"

#include <algorithm>
#include <utility>

#include "router/upstream/balancer.h"

namespace windrose::router {
namespace {

bool AnyReady(const std::vector<ModelInfo>& models) {
  return std::any_of(models.begin(), models.end(), [](const ModelInfo& m) { return m.ready; });
}

double UniformOf(Entropy& entropy) { return static_cast<double>(entropy.Next() >> 11) * 0x1.0p-53; }

}  // namespace

CoordinatorLease::CoordinatorLease(std::shared_ptr<Coordinator> coordinator)
    : coordinator_(std::move(coordinator)) {
  ++coordinator_->outstanding;
}

CoordinatorLease::~CoordinatorLease() {
  if (coordinator_ != nullptr) --coordinator_->outstanding;
}

CoordinatorLease& CoordinatorLease::operator=(CoordinatorLease&& other) noexcept {
  if (this != &other) {
    if (coordinator_ != nullptr) --coordinator_->outstanding;
    coordinator_ = std::move(other.coordinator_);
  }
  return *this;
}

CoordinatorSet::CoordinatorSet(Parts parts, CoordinatorSetOptions options)
    : parts_(std::move(parts)), options_(options) {}

CoordinatorSet::~CoordinatorSet() {
  for (const auto& [address, coordinator] : coordinators_) {
    parts_.loop.CancelTimer(coordinator->probe_timer);
  }
}

void CoordinatorSet::SetAddresses(const std::vector<std::string>& addresses) {
  for (auto entry = coordinators_.begin(); entry != coordinators_.end();) {
    if (std::find(addresses.begin(), addresses.end(), entry->first) != addresses.end()) {
      ++entry;
      continue;
    }
    Coordinator& gone = *entry->second;
    gone.listed = false;
    parts_.loop.CancelTimer(gone.probe_timer);
    SetUp(gone, false, "no longer listed");
    gone.metrics = CoordinatorMetrics();
    parts_.probe.Forget(entry->first);
    entry = coordinators_.erase(entry);
  }
  for (const std::string& address : addresses) {
    if (!coordinators_.contains(address)) Add(address);
  }
  if (on_change_) on_change_();
}

void CoordinatorSet::Add(const std::string& address) {
  auto coordinator = std::make_shared<Coordinator>();
  coordinator->address = address;
  coordinator->client = parts_.make_client(address);
  coordinator->metrics = parts_.probe.ForCoordinator(address);
  coordinator->metrics.up.Set(0);
  coordinator->metrics.circuit_state.Set(2);
  coordinators_.emplace(address, coordinator);
  StartProbe(coordinator);
}

void CoordinatorSet::ScheduleProbe(const std::shared_ptr<Coordinator>& coordinator,
                                   Duration delay) {
  parts_.loop.CancelTimer(coordinator->probe_timer);
  coordinator->probe_timer =
      parts_.loop.After(delay, [this, coordinator] { StartProbe(coordinator); });
}

void CoordinatorSet::StartProbe(const std::shared_ptr<Coordinator>& coordinator) {
  if (coordinator->probing || !coordinator->listed) return;
  coordinator->probing = true;
  const uint64_t call_failures = coordinator->call_failures;
  coordinator->client->Probe(parts_.loop.Now() + options_.probe_timeout,
                             [this, alive = std::weak_ptr<bool>(alive_), coordinator,
                              call_failures](StatusOr<CoordinatorReport> report) {
                               if (alive.lock() == nullptr) return;
                               OnProbed(coordinator, call_failures, report);
                             });
}

void CoordinatorSet::OnProbed(const std::shared_ptr<Coordinator>& coordinator,
                              uint64_t call_failures, const StatusOr<CoordinatorReport>& report) {
  coordinator->probing = false;
  if (!coordinator->listed) return;
  if (call_failures != coordinator->call_failures) {
    // It answered before the call broke, which says nothing about now.
    return ScheduleProbe(coordinator, ProbePause(*coordinator));
  }
  if (!report.ok()) {
    OnProbeFailed(*coordinator, report.status());
  } else if (!report->serving) {
    ++coordinator->failures;
    coordinator->models = report->models;
    SetUp(*coordinator, false, "does not serve");
  } else {
    coordinator->failures = 0;
    coordinator->served_at = parts_.loop.Now();
    const bool was_ready = AnyReady(coordinator->models);
    coordinator->models = report->models;
    const bool changed = was_ready != AnyReady(coordinator->models);
    if (!coordinator->up) {
      SetUp(*coordinator, true, "");
    } else if (changed && on_change_) {
      on_change_();
    }
  }
  ScheduleProbe(coordinator, ProbePause(*coordinator));
}

void CoordinatorSet::OnProbeFailed(Coordinator& coordinator, const Status& status) {
  ++coordinator.failures;
  const bool silent = status.code() == StatusCode::kDeadlineExceeded;
  if (silent && coordinator.failures < options_.missed_probes) return;
  SetUp(coordinator, false, Message(status));
}

void CoordinatorSet::SetUp(Coordinator& coordinator, bool up, const std::string& reason) {
  if (coordinator.up == up) {
    if (!up) NoteStillDown(coordinator, reason);
    return;
  }
  coordinator.up = up;
  coordinator.why_down = reason;
  coordinator.metrics.up.Set(up ? 1 : 0);
  coordinator.metrics.circuit_state.Set(up ? 0 : 1);
  if (up) {
    parts_.log.Info("coordinator_up", {{"coordinator", coordinator.address}});
    std::map<uint64_t, Task> waiters = std::exchange(waiters_, {});
    // Posted, not called: a waiter may change anything here.
    for (auto& [await_id, task] : waiters) parts_.loop.Post(std::move(task));
  } else {
    parts_.log.Warn("coordinator_down", {{"coordinator", coordinator.address}, {"reason", reason}});
  }
  if (on_change_) on_change_();
}

void CoordinatorSet::NoteStillDown(Coordinator& coordinator, const std::string& reason) {
  if (!coordinator.listed || coordinator.why_down == reason) return;
  coordinator.why_down = reason;
  parts_.log.Info("coordinator_awaited",
                  {{"coordinator", coordinator.address}, {"reason", reason}});
}

Duration CoordinatorSet::ProbePause(const Coordinator& coordinator) {
  if (coordinator.up) return options_.probe_period;
  const uint32_t attempt = coordinator.failures == 0 ? 0 : coordinator.failures - 1;
  return BackoffDelay(options_.probe_backoff, attempt, UniformOf(parts_.entropy));
}

void CoordinatorSet::ReportBroken(Coordinator& coordinator) {
  ++coordinator.call_failures;
  coordinator.metrics.errors.Inc();
  if (!coordinator.listed) return;
  if (coordinator.up) SetUp(coordinator, false, "a call broke");
  coordinator.metrics.circuit_state.Set(2);
  const auto entry = coordinators_.find(coordinator.address);
  if (entry == coordinators_.end() || entry->second.get() != &coordinator) return;
  ScheduleProbe(entry->second, ProbePause(coordinator));
}

bool CoordinatorSet::Serves(const Coordinator& coordinator, const std::string& model) const {
  if (model.empty()) return true;
  return std::any_of(coordinator.models.begin(), coordinator.models.end(),
                     [&](const ModelInfo& info) { return info.id == model; });
}

CoordinatorLease CoordinatorSet::Pick(const std::string& model,
                                      const std::set<std::string>& avoid) {
  std::vector<BalanceCandidate> candidates;
  std::vector<std::shared_ptr<Coordinator>> order;
  for (const auto& [address, coordinator] : coordinators_) {
    order.push_back(coordinator);
    candidates.push_back(BalanceCandidate{
        .usable = coordinator->up && !avoid.contains(address) && Serves(*coordinator, model),
        .ready = AnyReady(coordinator->models),
        .outstanding = coordinator->outstanding});
  }
  const auto chosen = ChooseCandidate(candidates, turn_++);
  if (!chosen.has_value()) return CoordinatorLease();
  order[*chosen]->metrics.requests.Inc();
  return CoordinatorLease(order[*chosen]);
}

size_t CoordinatorSet::up_count() const {
  return static_cast<size_t>(std::count_if(coordinators_.begin(), coordinators_.end(),
                                           [](const auto& entry) { return entry.second->up; }));
}

bool CoordinatorSet::HasOther(const std::string& model, const std::set<std::string>& tried) const {
  return std::any_of(coordinators_.begin(), coordinators_.end(), [&](const auto& entry) {
    return entry.second->up && !tried.contains(entry.first) && Serves(*entry.second, model);
  });
}

bool CoordinatorSet::HasReadyOther(const std::string& model,
                                   const std::set<std::string>& tried) const {
  return std::any_of(coordinators_.begin(), coordinators_.end(), [&](const auto& entry) {
    return entry.second->up && !tried.contains(entry.first) && Serves(*entry.second, model) &&
           AnyReady(entry.second->models);
  });
}

uint64_t CoordinatorSet::AwaitUp(Task task) {
  const uint64_t await_id = next_await_id_++;
  waiters_.emplace(await_id, std::move(task));
  return await_id;
}

void CoordinatorSet::CancelAwait(uint64_t await_id) { waiters_.erase(await_id); }

std::vector<ModelInfo> CoordinatorSet::Models() const {
  std::map<std::string, ModelInfo> by_id;
  for (const auto& [address, coordinator] : coordinators_) {
    for (ModelInfo info : coordinator->models) {
      info.ready = info.ready && coordinator->up;
      const auto [entry, added] = by_id.emplace(info.id, info);
      if (!added && info.ready) entry->second = info;
    }
  }
  std::vector<ModelInfo> models;
  for (auto& [id, info] : by_id) models.push_back(std::move(info));
  return models;
}

}  // namespace windrose::router
