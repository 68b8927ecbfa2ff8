// Parity with the reference implementation: the same logits within a tolerance, the same choices of
// every gate, the same greedy text. Through the whole engine: scheduler, paged cache, dispatch
// plan, frames, workers; only sockets and clocks are simulated.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "common/model/checkpoint.h"
#include "common/model/checkpoint_layout.h"
#include "common/model/mapped_file.h"
#include "coordinator/text/tokenizer.h"
#include "tests/golden/golden_fixture.h"
#include "tests/golden/parity_recorder.h"
#include "tests/sim/sim_cluster.h"

namespace windrose {
namespace {

// Both sides compute in f32 and differ in the order of additions only.
constexpr float kLogitTolerance = 2e-4F;   // absolute, plus the same relative to the reference
constexpr float kWeightTolerance = 1e-4F;  // absolute; weights are at most 1

const std::string kData = WINDROSE_SOURCE_DIR "/tests/golden/data/";
const std::string kDemo = WINDROSE_SOURCE_DIR "/models/demo";

struct Layout {
  std::string name;
  ClusterShape shape;
  bool together = true;   // all runs at once, else one after the other
  bool preempts = false;  // sequences must lose their blocks on the way
};

Layout OneWorker() {
  Layout layout{.name = "one_worker", .shape = {}, .together = false};
  layout.shape.workers = 1;
  layout.shape.replication = 1;
  return layout;
}

// Prompts cut into chunks that share steps with decoding rows, experts over several workers.
Layout ChunkedOverThreeWorkers() {
  Layout layout{.name = "chunked_over_three_workers", .shape = {}, .together = true};
  layout.shape.workers = 3;
  layout.shape.replication = 2;
  layout.shape.threads = 2;
  layout.shape.scheduler.max_batch_rows = 24;
  layout.shape.scheduler.prefill_chunk = 7;
  return layout;
}

// So few blocks that later sequences are preempted and computed again.
Layout ScarceCache() {
  Layout layout{.name = "scarce_cache", .shape = {}, .together = true, .preempts = true};
  layout.shape.workers = 2;
  layout.shape.replication = 1;
  layout.shape.scheduler.kv_blocks = 9;
  return layout;
}

struct Case {
  std::string fixture;
  Layout layout;
};

void PrintTo(const Case& value, std::ostream* out) { *out << value.fixture; }

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const char* fixture :
       {"published_f32", "transformers5_bf16", "sharded_f16", "tied_top3_bf16", "demo"}) {
    for (const Layout& layout : {OneWorker(), ChunkedOverThreeWorkers(), ScarceCache()}) {
      cases.push_back({fixture, layout});
    }
  }
  return cases;
}

class Parity : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const std::string& fixture = GetParam().fixture;
    const std::string model = fixture == "demo" ? kDemo : kData + fixture;
    StatusOr<Checkpoint> checkpoint = Checkpoint::Open(model);
    ASSERT_TRUE(checkpoint.ok()) << ToString(checkpoint.status());
    checkpoint_ = std::make_unique<Checkpoint>(*std::move(checkpoint));
    StatusOr<std::vector<GoldenRun>> runs = LoadGoldenRuns(kData + fixture, checkpoint_->config());
    ASSERT_TRUE(runs.ok()) << ToString(runs.status());
    runs_ = *std::move(runs);
    // The tiny models speak no language; any tokenizer of at least their size will do.
    const auto pieces = ReadModelText(kDemo, kTokenizerFile, kMaxTokenizerFileBytes);
    ASSERT_TRUE(pieces.ok()) << ToString(pieces.status());
    auto tokenizer = Tokenizer::Create(*pieces);
    ASSERT_TRUE(tokenizer.ok()) << ToString(tokenizer.status());
    tokenizer_ = *std::move(tokenizer);
    cluster_ = std::make_unique<SimCluster>(*checkpoint_, *tokenizer_, GetParam().layout.shape);
    cluster_->step().set_probe(&recorder_);
    Generate();
  }

  // Greedy continuations of all runs; the prompt's log-probabilities make the engine compute the
  // logits of every position.
  void Generate() {
    for (const GoldenRun& run : runs_) {
      Request request;
      request.prompt = run.prompt;
      request.sampling.temperature = 0;
      request.max_tokens = static_cast<uint32_t>(run.greedy.size());
      request.echo = true;
      request.logprobs = 0;
      request.ignore_eos = GetParam().fixture != "demo";
      uint64_t ticket = 0;
      answers_.push_back(cluster_->Submit(std::move(request), &ticket));
      sequences_.emplace_back(ticket);
      if (!GetParam().layout.together) {
        ASSERT_TRUE(cluster_->RunUntilDone());
      }
    }
    ASSERT_TRUE(cluster_->RunUntilDone());
    for (const auto& answer : answers_) {
      ASSERT_EQ(answer->ends, 1);
      ASSERT_TRUE(answer->error.ok()) << ToString(answer->error);
    }
  }

  const RecordedSequence& Recorded(size_t run) { return recorder_.sequence(sequences_[run]); }

  std::unique_ptr<Checkpoint> checkpoint_;
  std::unique_ptr<const Tokenizer> tokenizer_;
  std::vector<GoldenRun> runs_;
  std::unique_ptr<SimCluster> cluster_;
  ParityRecorder recorder_;
  std::vector<std::shared_ptr<Collected>> answers_;
  std::vector<SequenceId> sequences_;
};

// The largest difference in multiples of what is allowed; not finite numbers count as infinite.
float WorstExcess(std::span<const float> expected, std::span<const float> actual) {
  float worst = 0;
  for (size_t index = 0; index < expected.size(); ++index) {
    const float allowed = kLogitTolerance + kLogitTolerance * std::abs(expected[index]);
    const float excess = std::abs(actual[index] - expected[index]) / allowed;
    worst = std::isfinite(excess) ? std::max(worst, excess) : INFINITY;
  }
  return worst;
}

TEST_P(Parity, LogitsOfEveryPromptPositionAgree) {
  const size_t vocabulary = checkpoint_->config().vocabulary;
  float worst = 0;
  for (size_t run = 0; run < runs_.size(); ++run) {
    const std::span<const float> expected(runs_[run].logits);
    for (uint32_t position = 0; position < runs_[run].prompt.size(); ++position) {
      ASSERT_TRUE(Recorded(run).logits.contains(position)) << "run " << run << " at " << position;
      const std::vector<float>& actual = Recorded(run).logits.at(position);
      ASSERT_EQ(actual.size(), vocabulary);
      const float excess = WorstExcess(expected.subspan(position * vocabulary, vocabulary), actual);
      EXPECT_LE(excess, 1.0F) << "run " << run << " at " << position;
      worst = std::max(worst, excess);
    }
  }
  RecordProperty("worst_difference_in_tolerances", std::to_string(worst));
}

TEST_P(Parity, GatesChooseTheSameExpertsWithTheSameWeights) {
  const MixtralConfig& config = checkpoint_->config();
  for (size_t run = 0; run < runs_.size(); ++run) {
    const GoldenRun& golden = runs_[run];
    size_t pair = 0;
    for (LayerIndex layer{0}; layer.value() < config.layers; ++layer) {
      for (uint32_t position = 0; position < golden.fed_count(); ++position) {
        ASSERT_TRUE(Recorded(run).choices.contains({position, layer})) << run << " " << position;
        const RecordedChoice& choice = Recorded(run).choices.at({position, layer});
        for (size_t rank = 0; rank < config.top_k; ++rank, ++pair) {
          ASSERT_EQ(choice.experts[rank], golden.experts[pair])
              << "run " << run << " layer " << layer.value() << " at " << position;
          ASSERT_NEAR(choice.weights[rank], golden.weights[pair], kWeightTolerance);
        }
      }
    }
    EXPECT_EQ(pair, golden.experts.size());
  }
}

TEST_P(Parity, GreedyContinuationsAreIdentical) {
  for (size_t run = 0; run < runs_.size(); ++run) {
    EXPECT_EQ(answers_[run]->tokens(), runs_[run].greedy) << "run " << run;
  }
}

TEST_P(Parity, StepsAreOfTheIntendedShape) {
  const SchedulerLimits& limits = GetParam().layout.shape.scheduler;
  EXPECT_LE(recorder_.most_rows(), limits.max_batch_rows);
  EXPECT_EQ(recorder_.repeated_rows() > 0, GetParam().layout.preempts);
  if (GetParam().layout.preempts) return;  // then fewer may fit at a time
  EXPECT_EQ(recorder_.most_sequences(), GetParam().layout.together ? runs_.size() : 1);
}

std::string CaseName(const testing::TestParamInfo<Case>& parameter) {
  return parameter.param.fixture + "_" + parameter.param.layout.name;
}

INSTANTIATE_TEST_SUITE_P(Models, Parity, testing::ValuesIn(Cases()), CaseName);

}  // namespace
}  // namespace windrose
