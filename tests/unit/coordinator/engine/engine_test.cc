#include "coordinator/engine/engine.h"

#include <cmath>
#include <cstring>
#include <set>
#include <span>
#include <string>

#include "gtest/gtest.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/tiny_model.h"

namespace windrose {
namespace {

class EngineTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    MixtralConfig config = TinyMixtralConfig();
    config.vocabulary = 300;
    config.positions = 512;
    model_ = new TinyModel(config, WINDROSE_SOURCE_DIR);
  }
  static void TearDownTestSuite() { delete model_; }

  static Request MakeRequest(uint32_t prompt_length, uint32_t max_tokens) {
    Request request;
    for (uint32_t index = 0; index < prompt_length; ++index) {
      request.prompt.emplace_back(3 + index * 37 % 290);
    }
    request.max_tokens = max_tokens;
    request.sampling.temperature = 0;
    request.ignore_eos = true;
    return request;
  }

  static TinyModel* model_;
};

TinyModel* EngineTest::model_ = nullptr;

TEST_F(EngineTest, StopsAtMaxTokens) {
  SimCluster cluster(model_->checkpoint(), model_->tokenizer(), {});
  const auto answer = cluster.Submit(MakeRequest(5, 7));
  ASSERT_TRUE(cluster.RunUntilDone());
  ASSERT_TRUE(answer->finish.has_value());
  EXPECT_EQ(answer->finish->reason, FinishReason::kLength);
  EXPECT_EQ(answer->events.size(), 7U);
  EXPECT_TRUE(answer->started);
  EXPECT_EQ(cluster.kv_blocks_used(), 0U);
}

TEST_F(EngineTest, AStopStringEndsTheAnswerBeforeItself) {
  SimCluster cluster(model_->checkpoint(), model_->tokenizer(), {});
  const auto whole = cluster.Submit(MakeRequest(5, 30));
  ASSERT_TRUE(cluster.RunUntilDone());
  ASSERT_GT(whole->text.size(), 12U);
  Request request = MakeRequest(5, 30);
  const std::string stop = whole->text.substr(6, 3);
  request.stop = {stop};
  const auto stopped = cluster.Submit(request);
  ASSERT_TRUE(cluster.RunUntilDone());
  EXPECT_EQ(stopped->finish->reason, FinishReason::kStop);
  EXPECT_EQ(stopped->finish->stop_string, stop);
  EXPECT_EQ(stopped->text, whole->text.substr(0, whole->text.find(stop)));
}

TEST_F(EngineTest, CancelFreesEverythingWithinAStep) {
  SimCluster cluster(model_->checkpoint(), model_->tokenizer(), {});
  uint64_t ticket = 0;
  const auto answer = cluster.Submit(MakeRequest(40, 200), &ticket);
  for (int step = 0; step < 3; ++step) cluster.engine().RunOnce();
  EXPECT_EQ(cluster.kv_blocks_used(), 3U);
  cluster.engine().Cancel(ticket);
  cluster.engine().Cancel(ticket);
  cluster.engine().Cancel(ticket + 1000);
  cluster.engine().RunOnce();
  EXPECT_EQ(cluster.engine().unfinished(), 0U);
  EXPECT_EQ(answer->ends, 1);
  EXPECT_EQ(answer->error.code(), StatusCode::kCancelled);
  ASSERT_TRUE(cluster.RunUntilDone());
  const auto next = cluster.Submit(MakeRequest(3, 2));
  ASSERT_TRUE(cluster.RunUntilDone());
  EXPECT_EQ(cluster.kv_blocks_used(), 0U);
}

TEST_F(EngineTest, RefusesBeyondTheQueueAndServesWhatItAccepted) {
  ClusterShape shape;
  shape.scheduler.max_sequences = 2;
  SimCluster cluster(model_->checkpoint(), model_->tokenizer(), shape);
  std::vector<std::shared_ptr<Collected>> answers;
  for (int index = 0; index < 2 + 256 + 1; ++index)
    answers.push_back(cluster.Submit(MakeRequest(2, 1)));
  EXPECT_EQ(answers.back()->error.code(), StatusCode::kResourceExhausted);
  ASSERT_TRUE(cluster.RunUntilDone());
  for (size_t index = 0; index + 1 < answers.size(); ++index) {
    EXPECT_TRUE(answers[index]->finish.has_value()) << index;
  }
}

TEST_F(EngineTest, EchoReturnsThePromptWithLogprobsThatSumToOne) {
  SimCluster cluster(model_->checkpoint(), model_->tokenizer(), {});
  Request request = MakeRequest(30, 1);
  request.echo = true;
  request.logprobs = 5;
  const auto answer = cluster.Submit(request);
  ASSERT_TRUE(cluster.RunUntilDone());
  ASSERT_EQ(answer->prompt.size(), 30U);
  EXPECT_FALSE(answer->prompt[0].logprob.has_value());
  for (size_t index = 1; index < 30; ++index) {
    ASSERT_TRUE(answer->prompt[index].logprob.has_value());
    EXPECT_EQ(answer->prompt[index].id, request.prompt[index]);
    EXPECT_EQ(answer->prompt[index].top.size(), 5U);
    EXPECT_LE(answer->prompt[index].logprob->logprob, answer->prompt[index].top[0].logprob);
  }
  ASSERT_EQ(answer->events.size(), 1U);
  EXPECT_EQ(answer->events[0].logprob->logprob, answer->events[0].top[0].logprob);
  EXPECT_LT(std::exp(answer->events[0].top[0].logprob), 1.0);
}

TEST_F(EngineTest, EchoIsTheSameHoweverThePromptIsCutOrPreempted) {
  Request request = MakeRequest(50, 3);
  request.echo = true;
  request.logprobs = 2;
  SimCluster whole(model_->checkpoint(), model_->tokenizer(), {});
  const auto wanted = whole.Submit(request);
  ASSERT_TRUE(whole.RunUntilDone());
  ClusterShape shape;
  shape.scheduler.prefill_chunk = 7;
  shape.scheduler.kv_blocks = 5;
  SimCluster cut(model_->checkpoint(), model_->tokenizer(), shape);
  const auto other = cut.Submit(MakeRequest(16, 40));
  const auto got = cut.Submit(request);
  ASSERT_TRUE(cut.RunUntilDone());
  ASSERT_EQ(got->prompt.size(), wanted->prompt.size());
  for (size_t index = 1; index < wanted->prompt.size(); ++index) {
    EXPECT_EQ(got->prompt[index].logprob->logprob, wanted->prompt[index].logprob->logprob) << index;
  }
  EXPECT_EQ(got->tokens(), wanted->tokens());
}

TEST_F(EngineTest, NoTokensAtAllIsAnAnswer) {
  SimCluster cluster(model_->checkpoint(), model_->tokenizer(), {});
  Request request = MakeRequest(10, 0);
  const auto plain = cluster.Submit(request);
  request.echo = true;
  request.logprobs = 1;
  const auto echoed = cluster.Submit(request);
  ASSERT_TRUE(cluster.RunUntilDone());
  EXPECT_TRUE(plain->finish.has_value());
  EXPECT_EQ(echoed->prompt.size(), 10U);
  EXPECT_TRUE(echoed->finish.has_value());
  EXPECT_TRUE(echoed->events.empty());
}

TEST_F(EngineTest, RefusesWhatCannotFitTheCache) {
  ClusterShape shape;
  shape.scheduler.kv_blocks = 4;
  SimCluster cluster(model_->checkpoint(), model_->tokenizer(), shape);
  EXPECT_EQ(cluster.Submit(MakeRequest(60, 5))->error.code(), StatusCode::kInvalidArgument);
  const auto fits = cluster.Submit(MakeRequest(60, 4));
  ASSERT_TRUE(cluster.RunUntilDone());
  EXPECT_TRUE(fits->finish.has_value());
}

TEST_F(EngineTest, ALostExpertFailsRunningRequestsAtTheLimitAndNewOnesAtOnce) {
  SimCluster cluster(model_->checkpoint(), model_->tokenizer(), {.workers = 1, .replication = 1});
  const auto running = cluster.Submit(MakeRequest(5, 20));
  cluster.engine().RunOnce();
  cluster.network().Kill(WorkerId(0));
  ASSERT_TRUE(cluster.RunUntilDone());
  EXPECT_EQ(running->ends, 1);
  EXPECT_EQ(running->error.code(), StatusCode::kUnavailable);
  EXPECT_NE(Message(running->error).find("expert_unavailable"), std::string::npos);
  EXPECT_EQ(cluster.Submit(MakeRequest(5, 2))->error.code(), StatusCode::kUnavailable);
  EXPECT_EQ(cluster.engine().NotReadyReason(), "expert 0 has no ready worker");
  cluster.network().Restart(WorkerId(0));
  cluster.loop().RunUntil([] { return false; }, cluster.loop().Now() + Seconds(1));
  const auto later = cluster.Submit(MakeRequest(5, 2));
  ASSERT_TRUE(cluster.RunUntilDone());
  EXPECT_TRUE(later->finish.has_value());
  EXPECT_EQ(cluster.engine().NotReadyReason(), "");
}

// Rows of one request are infinite behind their experts. Which rows are the other's is known from
// a run without it: they have the same bits in any batch.
TEST_F(EngineTest, ARowThatOverflowsInAnExpertFailsItsOwnRequestAlone) {
  std::set<std::string> good_rows;
  const auto bytes_of = [](std::span<const std::byte> row) {
    return std::string(reinterpret_cast<const char*>(row.data()), row.size());
  };
  const NetworkFaults remember{.overflows = [&](std::span<const std::byte> row) {
    good_rows.insert(bytes_of(row));
    return false;
  }};
  SimCluster quiet(model_->checkpoint(), model_->tokenizer(), {}, 1, remember);
  const auto wanted = quiet.Submit(MakeRequest(20, 30));
  ASSERT_TRUE(quiet.RunUntilDone());

  const NetworkFaults overflow{.overflows = [&](std::span<const std::byte> row) {
    return !good_rows.contains(bytes_of(row));
  }};
  for (const size_t holders : {size_t{1}, size_t{2}}) {
    SimCluster cluster(model_->checkpoint(), model_->tokenizer(), {.replication = holders}, 1,
                       overflow);
    const auto before = cluster.Submit(MakeRequest(20, 30));
    const auto poisoned = cluster.Submit(MakeRequest(41, 30));
    const auto after = cluster.Submit(MakeRequest(20, 30));
    ASSERT_TRUE(cluster.RunUntilDone());
    EXPECT_EQ(poisoned->error.code(), StatusCode::kInternal) << ToString(poisoned->error);
    EXPECT_EQ(poisoned->ends, 1);
    EXPECT_EQ(before->tokens(), wanted->tokens());
    EXPECT_EQ(after->tokens(), wanted->tokens());
    EXPECT_GT(cluster.dispatcher().Stats().retries, 0U);
  }
}

TEST_F(EngineTest, ASequenceThatIsNotFiniteFailsAloneAndTheOthersKeepTheirBits) {
  SimCluster quiet(model_->checkpoint(), model_->tokenizer(), {});
  const auto wanted = quiet.Submit(MakeRequest(20, 30));
  ASSERT_TRUE(quiet.RunUntilDone());

  SimCluster cluster(model_->checkpoint(), model_->tokenizer(), {});
  const auto before = cluster.Submit(MakeRequest(20, 30));
  const auto poisoned = cluster.Submit(MakeRequest(40, 30));
  const auto after = cluster.Submit(MakeRequest(20, 30));
  for (int step = 0; step < 3; ++step) cluster.engine().RunOnce();
  // The first two blocks are `before`'s, the next three `poisoned`'s.
  const size_t vector_bytes = model_->checkpoint().config().head_dim * sizeof(float);
  std::memset(cluster.kv().Values(LayerIndex(0), BlockId(2), 0), 0xFF, vector_bytes);
  ASSERT_TRUE(cluster.RunUntilDone());
  EXPECT_EQ(poisoned->ends, 1);
  EXPECT_EQ(poisoned->error.code(), StatusCode::kInternal) << ToString(poisoned->error);
  EXPECT_EQ(before->tokens(), wanted->tokens());
  EXPECT_EQ(after->tokens(), wanted->tokens());
  EXPECT_EQ(cluster.dispatcher().Stats().retries, 0U);

  // Whoever gets the blocks next is not harmed by what is left in them.
  const auto later = cluster.Submit(MakeRequest(40, 30));
  const auto last = cluster.Submit(MakeRequest(20, 30));
  ASSERT_TRUE(cluster.RunUntilDone());
  EXPECT_TRUE(later->finish.has_value());
  EXPECT_EQ(last->tokens(), wanted->tokens());
}

TEST_F(EngineTest, ReportsWhileAStepWaitsForItsExpertsSoThatTheThreadIsSeenAlive) {
  SimCluster cluster(model_->checkpoint(), model_->tokenizer(), {.workers = 1, .replication = 1});
  const auto answer = cluster.Submit(MakeRequest(5, 20));
  cluster.network().Kill(WorkerId(0));
  cluster.loop().After(Seconds(20), [&cluster] { cluster.engine().Stop(); });
  uint64_t reports = 0;
  cluster.loop().After(Seconds(5), [&] {
    EXPECT_EQ(answer->ends, 0);  // The step still waits.
    reports = cluster.load_reports();
  });
  cluster.engine().Run();
  EXPECT_GE(reports, 40U);
  EXPECT_EQ(answer->ends, 1);
}

TEST_F(EngineTest, StopDoesNotWaitForTheStepUnderWay) {
  SimCluster cluster(model_->checkpoint(), model_->tokenizer(), {.workers = 1, .replication = 1});
  const auto answer = cluster.Submit(MakeRequest(5, 20));
  cluster.network().Kill(WorkerId(0));
  const TimePoint stopped = cluster.loop().Now() + Seconds(1);
  cluster.loop().After(Seconds(1), [&cluster] { cluster.engine().Stop(); });
  cluster.engine().Run();
  EXPECT_EQ(cluster.loop().Now(), stopped);
  EXPECT_EQ(answer->ends, 1);
  EXPECT_EQ(answer->error.code(), StatusCode::kUnavailable);
  EXPECT_NE(Message(answer->error).find("draining"), std::string::npos);
}

TEST_F(EngineTest, APromptIsPrefillEvenInChunksOfOneRow) {
  ClusterShape shape;
  shape.scheduler.prefill_chunk = 1;
  SimCluster cluster(model_->checkpoint(), model_->tokenizer(), shape);
  cluster.Submit(MakeRequest(5, 4));
  ASSERT_TRUE(cluster.RunUntilDone());
  EXPECT_EQ(cluster.prefill_rows(), 5U);
  EXPECT_EQ(cluster.decode_rows(), 3U);
}

TEST_F(EngineTest, AResumedAnswerGoesOnBeforeRequestsThatWait) {
  ClusterShape shape;
  shape.scheduler.max_sequences = 1;
  SimCluster cluster(model_->checkpoint(), model_->tokenizer(), shape);
  const auto whole = cluster.Submit(MakeRequest(5, 9));
  ASSERT_TRUE(cluster.RunUntilDone());
  cluster.Submit(MakeRequest(5, 3));
  const auto waiting = cluster.Submit(MakeRequest(5, 3));
  Request request = MakeRequest(5, 9);
  request.resume = whole->tokens();
  request.resume.resize(4);
  const auto resumed = cluster.Submit(request);
  for (int step = 0; step < 100 && !resumed->finish; ++step) cluster.engine().RunOnce();
  EXPECT_EQ(resumed->events.size(), 5U);
  EXPECT_EQ(resumed->events.back().id, whole->tokens().back());
  EXPECT_TRUE(waiting->events.empty());
  ASSERT_TRUE(cluster.RunUntilDone());
}

TEST_F(EngineTest, DrainingRefusesNewRequestsAndFinishesOldOnes) {
  SimCluster cluster(model_->checkpoint(), model_->tokenizer(), {});
  const auto old = cluster.Submit(MakeRequest(5, 5));
  cluster.engine().BeginDrain();
  EXPECT_EQ(cluster.Submit(MakeRequest(5, 5))->error.code(), StatusCode::kUnavailable);
  ASSERT_TRUE(cluster.RunUntilDone());
  EXPECT_TRUE(old->finish.has_value());
}

}  // namespace
}  // namespace windrose
