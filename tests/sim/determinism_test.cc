// The same request gives the same bits: alone or in any batch, however its prompt is cut, on any
// number of threads, workers and replicas, and with a worker killed in the middle. Compared are the
// logits of every drawn token, bit for bit, and the tokens.
#include <bit>
#include <map>

#include "common/base/random.h"
#include "gtest/gtest.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/tiny_model.h"

namespace windrose {
namespace {

constexpr uint32_t kMostRequests = 32;

// Logits of the rows that draw a token, by sequence and position.
class LogitRecorder final : public StepProbe {
 public:
  using Rows = std::map<std::pair<uint64_t, uint32_t>, std::vector<uint32_t>>;

  void OnGate(const Batch&, LayerIndex, const GateOutput&) override {}
  void OnLogits(const Batch& batch, const Logits& logits) override {
    size_t index = 0;
    for (const BatchSpan& span : batch.spans) {
      for (uint32_t row = span.first_logit_row; row < span.first_row + span.row_count; ++row) {
        std::vector<uint32_t> bits;
        for (const float value : logits.row(index)) bits.push_back(std::bit_cast<uint32_t>(value));
        rows_[{span.sequence.value(), batch.positions[row]}] = std::move(bits);
        ++index;
      }
    }
  }

  // The rows of one sequence, by position.
  std::map<uint32_t, std::vector<uint32_t>> Of(uint64_t sequence) const {
    std::map<uint32_t, std::vector<uint32_t>> result;
    for (const auto& [key, bits] : rows_) {
      if (key.first == sequence) result[key.second] = bits;
    }
    return result;
  }

 private:
  Rows rows_;
};

struct Recorded {
  std::map<uint32_t, std::vector<uint32_t>> logits;  // by position
  std::vector<TokenId> tokens;
};

Request MakeRequest(uint32_t number, uint32_t vocabulary) {
  Request request;
  const uint64_t length = number == 0 ? 45 : 1 + BitsAt(number, 0) % 70;
  for (uint64_t index = 0; index < length; ++index) {
    request.prompt.emplace_back(
        static_cast<uint32_t>(3 + BitsAt(number, index + 1) % (vocabulary - 3)));
  }
  request.max_tokens = 12 + number % 9;
  request.sampling.temperature = number % 2 == 0 ? 0.0F : 1.0F;
  request.sampling.seed = number;
  request.ignore_eos = true;
  return request;
}

class Determinism : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    MixtralConfig config = TinyMixtralConfig();
    config.vocabulary = 320;
    config.positions = 256;
    model_ = new TinyModel(config, WINDROSE_SOURCE_DIR);
    alone_ = new std::vector<Recorded>();
    for (uint32_t number = 0; number < kMostRequests; ++number) {
      alone_->push_back(Run(OneWorker(), 1, number).front());
    }
  }
  static void TearDownTestSuite() {
    delete alone_;
    delete model_;
  }

  static ClusterShape OneWorker() {
    ClusterShape shape;
    shape.workers = 1;
    shape.replication = 1;
    shape.scheduler.kv_blocks = 512;
    return shape;
  }

  // Runs requests [first, first + count) together.
  static std::vector<Recorded> Run(const ClusterShape& shape, uint32_t count, uint32_t first = 0,
                                   bool kill = false) {
    SimCluster cluster(model_->checkpoint(), model_->tokenizer(), shape);
    LogitRecorder recorder;
    cluster.step().set_probe(&recorder);
    std::vector<std::shared_ptr<Collected>> answers;
    std::vector<uint64_t> tickets(count);
    for (uint32_t index = 0; index < count; ++index) {
      answers.push_back(cluster.Submit(
          MakeRequest(first + index, model_->checkpoint().config().vocabulary), &tickets[index]));
    }
    if (kill) KillInTheMiddle(cluster);
    EXPECT_TRUE(cluster.RunUntilDone());
    preemptions_ = cluster.preemptions();
    std::vector<Recorded> recorded;
    for (uint32_t index = 0; index < count; ++index) {
      recorded.push_back({recorder.Of(tickets[index]), answers[index]->tokens()});
    }
    return recorded;
  }

  static void KillInTheMiddle(SimCluster& cluster) {
    for (int64_t strike = 0; strike < 6; ++strike) {
      const WorkerId worker(static_cast<uint32_t>(strike) % 4);
      cluster.loop().After(Microseconds(700 + 2100 * strike), [&cluster, worker] {
        cluster.network().Kill(worker);
        cluster.loop().After(Milliseconds(3),
                             [&cluster, worker] { cluster.network().Restart(worker); });
      });
    }
  }

  static void ExpectSameBits(const std::vector<Recorded>& got, uint32_t first = 0) {
    for (size_t index = 0; index < got.size(); ++index) {
      const Recorded& wanted = (*alone_)[first + index];
      ASSERT_FALSE(wanted.logits.empty());
      EXPECT_EQ(got[index].tokens, wanted.tokens) << "request " << first + index;
      EXPECT_TRUE(got[index].logits == wanted.logits) << "logits of request " << first + index;
    }
  }

  static TinyModel* model_;
  static std::vector<Recorded>* alone_;
  static uint64_t preemptions_;  // of the last run
};

TinyModel* Determinism::model_ = nullptr;
std::vector<Recorded>* Determinism::alone_ = nullptr;
uint64_t Determinism::preemptions_ = 0;

TEST_F(Determinism, BatchesOfTwoToThirtyTwo) {
  for (const uint32_t count : {2U, 3U, 5U, 8U, 13U, 21U, 32U}) {
    SCOPED_TRACE(count);
    ExpectSameBits(Run(OneWorker(), count));
  }
}

TEST_F(Determinism, ChunksOfOneToFiveHundredAndTwelve) {
  for (const uint32_t chunk : {1U, 2U, 7U, 15U, 16U, 17U, 64U, 512U}) {
    SCOPED_TRACE(chunk);
    ClusterShape shape = OneWorker();
    shape.scheduler.prefill_chunk = chunk;
    ExpectSameBits(Run(shape, 6));
  }
}

TEST_F(Determinism, OneToFourThreads) {
  for (const size_t threads : {2U, 3U, 4U}) {
    SCOPED_TRACE(threads);
    ClusterShape shape = OneWorker();
    shape.threads = threads;
    ExpectSameBits(Run(shape, 8));
  }
}

TEST_F(Determinism, OneToEightWorkersWithAndWithoutReplicas) {
  for (const size_t workers : {1U, 2U, 4U, 8U}) {
    for (const size_t replication : {1U, 2U}) {
      SCOPED_TRACE(testing::Message() << workers << " workers, replication " << replication);
      ClusterShape shape = OneWorker();
      shape.workers = workers;
      shape.replication = std::min(workers, replication);
      ExpectSameBits(Run(shape, 8));
    }
  }
}

TEST_F(Determinism, FewFramesOrMany) {
  for (const ExpertSize size : {kSmallExpert, kLargeExpert}) {
    SCOPED_TRACE(size.weights);
    ClusterShape shape = OneWorker();
    shape.workers = 3;
    shape.replication = 3;
    shape.expert = size;
    ExpectSameBits(Run(shape, 8));
  }
}

TEST_F(Determinism, WorkersKilledInTheMiddle) {
  ClusterShape shape = OneWorker();
  shape.workers = 4;
  shape.replication = 2;
  ExpectSameBits(Run(shape, 8, 0, true));
}

TEST_F(Determinism, PreemptionAndRecomputation) {
  ClusterShape shape = OneWorker();
  shape.scheduler.kv_blocks = 12;
  ExpectSameBits(Run(shape, 8));
  EXPECT_GT(preemptions_, 0U);
}

TEST_F(Determinism, AReplayGoesOnWithTheSameTokens) {
  const Request whole = MakeRequest(3, model_->checkpoint().config().vocabulary);
  for (size_t emitted = 0; emitted <= (*alone_)[3].tokens.size(); ++emitted) {
    SimCluster cluster(model_->checkpoint(), model_->tokenizer(), OneWorker());
    Request replay = whole;
    replay.resume.assign((*alone_)[3].tokens.begin(),
                         (*alone_)[3].tokens.begin() + static_cast<ptrdiff_t>(emitted));
    const auto answer = cluster.Submit(replay);
    ASSERT_TRUE(cluster.RunUntilDone());
    std::vector<TokenId> tokens = replay.resume;
    for (const TokenId token : answer->tokens()) tokens.push_back(token);
    EXPECT_EQ(tokens, (*alone_)[3].tokens) << "after " << emitted;
    ASSERT_TRUE(answer->finish.has_value());
    EXPECT_EQ(answer->finish->generated_tokens, tokens.size());
    if (answer->events.empty()) continue;
    EXPECT_EQ(answer->events[0].index, emitted);
  }
}

}  // namespace
}  // namespace windrose
