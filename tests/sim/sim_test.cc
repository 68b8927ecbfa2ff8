// The simulated cluster under faults: a seed, a fault, the invariants. A failing seed is printed as
// the command that repeats it: WINDROSE_SIM_SEED=n sim_test --gtest_filter=….
#include <cstdlib>

#include "gtest/gtest.h"
#include "tests/sim/scenario.h"
#include "tests/sim/tiny_model.h"

namespace windrose {
namespace {

MixtralConfig SimConfig() {
  MixtralConfig config = TinyMixtralConfig();
  config.vocabulary = 300;
  config.hidden = 32;
  config.layers = 2;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 8;
  config.expert_width = 24;
  config.positions = 256;
  config.dtype = DType::kF32;
  return config;
}

class Simulation : public testing::TestWithParam<FaultKind> {
 protected:
  static void SetUpTestSuite() { model_ = new TinyModel(SimConfig(), WINDROSE_SOURCE_DIR); }
  static void TearDownTestSuite() { delete model_; }

  static uint64_t SeedCount() {
    const char* count = std::getenv("WINDROSE_SIM_SEEDS");
    return count == nullptr ? 100 : std::strtoull(count, nullptr, 10);
  }

  static TinyModel* model_;
};

TinyModel* Simulation::model_ = nullptr;

void Add(const InjectedFaults& more, InjectedFaults& sum) {
  sum.delayed += more.delayed;
  sum.overtook += more.overtook;
  sum.duplicated += more.duplicated;
  sum.corrupted += more.corrupted;
  sum.refused += more.refused;
  sum.lost += more.lost;
  sum.spoiled += more.spoiled;
}

// A run without faults would prove nothing: each kind happened if and only if it was meant to.
void ExpectInjected(FaultKind kind, const InjectedFaults& injected) {
  const auto expect = [kind](FaultKind wanted, uint64_t count) {
    EXPECT_EQ(count > 0, kind == wanted || kind == FaultKind::kAll) << Name(wanted);
  };
  expect(FaultKind::kDelay, injected.delayed);
  expect(FaultKind::kReorder, injected.overtook);
  expect(FaultKind::kDuplicate, injected.duplicated);
  expect(FaultKind::kCorrupt, injected.corrupted);
  expect(FaultKind::kRefuse, injected.refused);
  expect(FaultKind::kLose, injected.lost);
  EXPECT_EQ(injected.spoiled > 0, kind == FaultKind::kSpoil);
}

TEST_P(Simulation, KeepsEveryInvariant) {
  uint64_t strikes = 0;
  InjectedFaults injected;
  uint64_t retries = 0;
  uint64_t preemptions = 0;
  const char* only = std::getenv("WINDROSE_SIM_SEED");
  const uint64_t first = only == nullptr ? 1 : std::strtoull(only, nullptr, 10);
  const uint64_t count = only == nullptr ? SeedCount() : 1;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const ScenarioResult result =
        RunScenario(model_->checkpoint(), model_->tokenizer(), GetParam(), seed);
    for (const std::string& violation : result.violations) {
      ADD_FAILURE() << violation << "\nrepeat: WINDROSE_SIM_SEED=" << seed
                    << " sim_test --gtest_filter=*/" << Name(GetParam());
    }
    strikes += result.strikes;
    Add(result.injected, injected);
    retries += result.retries;
    preemptions += result.preemptions;
  }
  RecordProperty("strikes", static_cast<int>(strikes));
  const bool must_strike = GetParam() == FaultKind::kCrash || GetParam() == FaultKind::kStop ||
                           GetParam() == FaultKind::kDrain || GetParam() == FaultKind::kAll;
  EXPECT_GE(strikes, must_strike ? count / 2 : 0);
  if (count > 10) ExpectInjected(GetParam(), injected);
  const bool must_retry = GetParam() == FaultKind::kCrash && count > 10;
  EXPECT_GE(preemptions, count > 10 ? 1U : 0U);
  EXPECT_GE(retries, must_retry ? 1U : 0U);
  EXPECT_TRUE(GetParam() != FaultKind::kNone || retries == 0);
}

TEST_P(Simulation, SameSeedGivesTheSameTrace) {
  const ScenarioResult first =
      RunScenario(model_->checkpoint(), model_->tokenizer(), GetParam(), 7);
  const ScenarioResult second =
      RunScenario(model_->checkpoint(), model_->tokenizer(), GetParam(), 7);
  const ScenarioResult other =
      RunScenario(model_->checkpoint(), model_->tokenizer(), GetParam(), 8);
  EXPECT_EQ(first.trace_hash, second.trace_hash);
  EXPECT_NE(first.trace_hash, other.trace_hash);
}

INSTANTIATE_TEST_SUITE_P(Faults, Simulation,
                         testing::Values(FaultKind::kNone, FaultKind::kCrash, FaultKind::kStop,
                                         FaultKind::kDelay, FaultKind::kReorder,
                                         FaultKind::kDuplicate, FaultKind::kCorrupt,
                                         FaultKind::kRefuse, FaultKind::kLose, FaultKind::kDrain,
                                         FaultKind::kSpoil, FaultKind::kAll),
                         [](const auto& kind) { return std::string(Name(kind.param)); });

}  // namespace
}  // namespace windrose
