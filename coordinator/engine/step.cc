#include "coordinator/engine/step.h"

#include <algorithm>
#include <span>

#include "common/wire/frame.h"
#include "coordinator/layers/combine.h"

namespace windrose {

Step::Step(const MixtralConfig& config, const CoordinatorWeights& weights, Dispatcher& dispatcher,
           ThreadPool& pool, const EventLoop& loop)
    : config_(config),
      loop_(loop),
      dispatcher_(dispatcher),
      embedding_(weights.embedding),
      attention_(config, weights, config.positions, pool),
      gate_(config, weights, pool),
      lm_head_(config, weights, pool) {
  tally_.assignments.resize(size_t{config.layers} * config.experts);
  tally_.gate_weights.resize(size_t{config.layers} * config.experts);
  tally_.step_rows.resize(config.experts);
}

// Jiang et al., "Mixtral of Experts" (2024): each layer adds attention, then the weighted sum of
// the two experts its gate chose, to the residual stream.
StatusOr<const Logits*> Step::Run(const Batch& batch, KvCache& kv, Activations& act) {
  BeginTimes();
  not_finite_.clear();
  embedding_.Lookup(batch, act);  // act.hidden: [rows, hidden]
  for (LayerIndex layer{0}; layer.value() < config_.layers; ++layer) {
    attention_.Run(layer, batch, kv, act);  // hidden += attention(norm(hidden))
    SetAsideNotFinite(batch, act);
    Lap(Stage::kAttention);
    gate_.Run(layer, act, &chosen_);  // normed = norm(hidden); the top experts of each row
    Count(batch, layer);
    Lap(Stage::kGate);
    const DispatchPlan plan = dispatcher_.Plan(chosen_);  // who computes what: a value
    RETURN_IF_ERROR(dispatcher_.Exchange(layer, plan, act.normed.all(), outputs_));
    LapExchange();
    Combine(chosen_, outputs_, act.hidden);  // hidden += sum of weight * output, in rank order
    Lap(Stage::kCombine);
  }
  SetAsideNotFinite(batch, act);
  const Logits& logits = lm_head_.Run(batch.logit_rows, act);  // [logit_rows, vocabulary]
  Lap(Stage::kLmHead);
  if (probe_ != nullptr) probe_->OnLogits(batch, logits);
  return &logits;
}

// Such a sequence goes on as zeros: workers would refuse its rows, and the rows of others in the
// same frame with them.
void Step::SetAsideNotFinite(const Batch& batch, Activations& act) {
  const auto finite = [](std::span<const float> values) {
    return wire::AllFinite(std::as_bytes(values), wire::RowType::kF32);
  };
  if (finite(act.hidden.all())) return;
  for (const BatchSpan& span : batch.spans) {
    const std::span<float> rows = act.hidden.all().subspan(span.first_row * act.hidden.cols,
                                                           span.row_count * act.hidden.cols);
    if (finite(rows)) continue;
    std::fill(rows.begin(), rows.end(), 0.0F);
    const auto known = std::find(not_finite_.begin(), not_finite_.end(), span.sequence);
    if (known == not_finite_.end()) not_finite_.push_back(span.sequence);
  }
}

void Step::Count(const Batch& batch, LayerIndex layer) {
  for (size_t pair = 0; pair < chosen_.experts.size(); ++pair) {
    const size_t expert = chosen_.experts[pair].value();
    const size_t cell = size_t{layer.value()} * config_.experts + expert;
    ++tally_.assignments[cell];
    tally_.gate_weights[cell] += static_cast<double>(chosen_.weights[pair]);
    ++tally_.step_rows[expert];
  }
  if (probe_ != nullptr) probe_->OnGate(batch, layer, chosen_);
}

void Step::BeginTimes() {
  stage_times_ = {};
  tally_.step_rows.assign(config_.experts, 0);
  waited_before_ = dispatcher_.waited();
  lap_began_ = loop_.Now();
}

void Step::Lap(Stage stage) {
  const TimePoint now = loop_.Now();
  stage_times_[static_cast<size_t>(stage)] += now - lap_began_;
  lap_began_ = now;
}

// An exchange is two stages: what the dispatcher did itself, and what it waited for.
void Step::LapExchange() {
  const Duration waited = dispatcher_.waited() - waited_before_;
  waited_before_ = dispatcher_.waited();
  Lap(Stage::kDispatch);
  stage_times_[static_cast<size_t>(Stage::kDispatch)] -= waited;
  stage_times_[static_cast<size_t>(Stage::kExpertWait)] += waited;
}

}  // namespace windrose
