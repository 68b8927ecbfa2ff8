// What a smaller KV cache changes in the demo model's answers: in bf16 nothing, while the
// log-probabilities move by some thousandths of their size. Through the whole engine, beside the
// reference's answers.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "common/model/checkpoint.h"
#include "coordinator/text/tokenizer.h"
#include "tests/golden/golden_fixture.h"
#include "tests/sim/sim_cluster.h"

namespace windrose {
namespace {

const std::string kGoldens = WINDROSE_SOURCE_DIR "/tests/golden/data/demo";
const std::string kDemo = WINDROSE_SOURCE_DIR "/models/demo";

class KvCacheTypes : public testing::Test {
 protected:
  void SetUp() override {
    StatusOr<Checkpoint> checkpoint = Checkpoint::Open(kDemo);
    ASSERT_TRUE(checkpoint.ok()) << ToString(checkpoint.status());
    checkpoint_ = std::make_unique<Checkpoint>(*std::move(checkpoint));
    StatusOr<std::vector<GoldenRun>> runs = LoadGoldenRuns(kGoldens, checkpoint_->config());
    ASSERT_TRUE(runs.ok()) << ToString(runs.status());
    runs_ = *std::move(runs);
    const auto pieces = checkpoint_->Tokenizer();
    ASSERT_TRUE(pieces.ok()) << ToString(pieces.status());
    auto tokenizer = Tokenizer::Create(*pieces);
    ASSERT_TRUE(tokenizer.ok()) << ToString(tokenizer.status());
    tokenizer_ = *std::move(tokenizer);
  }

  // Greedy answers to all recorded prompts, with the prompts' log-probabilities.
  std::vector<std::shared_ptr<Collected>> Answers(KvCacheType type, uint32_t chunk) {
    ClusterShape shape;
    shape.kv_cache_type = type;
    shape.scheduler.prefill_chunk = chunk;
    SimCluster cluster(*checkpoint_, *tokenizer_, shape);
    std::vector<std::shared_ptr<Collected>> answers;
    for (const GoldenRun& run : runs_) {
      Request request;
      request.prompt = run.prompt;
      request.sampling.temperature = 0;
      request.max_tokens = static_cast<uint32_t>(run.greedy.size());
      request.echo = true;
      request.logprobs = 0;
      answers.push_back(cluster.Submit(std::move(request)));
    }
    EXPECT_TRUE(cluster.RunUntilDone());
    for (const auto& answer : answers) EXPECT_TRUE(answer->error.ok()) << ToString(answer->error);
    return answers;
  }

  std::unique_ptr<Checkpoint> checkpoint_;
  std::vector<GoldenRun> runs_;
  std::unique_ptr<const Tokenizer> tokenizer_;
};

// How much the log-probabilities of the prompts' tokens differ, as a share of their size: prompts
// are what a model was not trained to say, and the surer it is of its answers, the larger they are.
double RelativeDifference(const std::vector<std::shared_ptr<Collected>>& a,
                          const std::vector<std::shared_ptr<Collected>>& b) {
  double difference = 0;
  double size = 0;
  for (size_t run = 0; run < a.size(); ++run) {
    for (size_t i = 1; i < a[run]->prompt.size(); ++i) {
      const double wanted = b[run]->prompt[i].logprob->logprob;
      difference += std::abs(double{a[run]->prompt[i].logprob->logprob} - wanted);
      size += std::abs(wanted);
    }
  }
  return difference / size;
}

TEST_F(KvCacheTypes, GreedyAnswersInBf16AreTheReferences) {
  const auto answers = Answers(KvCacheType::kBf16, 256);
  for (size_t run = 0; run < runs_.size(); ++run) {
    EXPECT_EQ(answers[run]->tokens(), runs_[run].greedy) << "run " << run;
  }
}

TEST_F(KvCacheTypes, LogProbabilitiesStayNearThoseOfF32) {
  const auto exact = Answers(KvCacheType::kF32, 256);
  EXPECT_LE(RelativeDifference(Answers(KvCacheType::kBf16, 256), exact), 0.006);
  EXPECT_LE(RelativeDifference(Answers(KvCacheType::kQ8, 256), exact), 0.006);
}

TEST_F(KvCacheTypes, ChunksOfThePromptChangeNoToken) {
  for (const KvCacheType type : {KvCacheType::kBf16, KvCacheType::kQ8}) {
    const auto whole = Answers(type, 256);
    const auto chunked = Answers(type, 7);
    EXPECT_EQ(RelativeDifference(whole, chunked), 0.0F);
    for (size_t run = 0; run < runs_.size(); ++run) {
      EXPECT_EQ(whole[run]->tokens(), chunked[run]->tokens()) << "run " << run;
    }
  }
}

}  // namespace
}  // namespace windrose
