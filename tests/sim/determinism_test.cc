// The same request gives the same bits: alone or in any batch, however its prompt is cut, on any
// number of threads, workers and replicas, with any instruction set, and with a worker killed in
// the middle; whatever format the weights are in. Compared are the logits of every drawn token, bit
// for bit, and the tokens; of a replay, all that a client sees.
#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/base/random.h"
#include "gtest/gtest.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/tiny_model.h"
#include "tests/unit/common/kernels/random_values.h"

namespace windrose {
namespace {

constexpr uint32_t kMostRequests = 32;
constexpr uint32_t kVocabulary = 320;    // three control pieces, all byte pieces, some words
constexpr uint32_t kFirstBytePiece = 3;  // of the byte 0

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

Request MakeRequest(uint32_t number) {
  Request request;
  const uint64_t length = number == 0 ? 45 : 1 + BitsAt(number, 0) % 70;
  for (uint64_t index = 0; index < length; ++index) {
    request.prompt.emplace_back(
        static_cast<uint32_t>(3 + BitsAt(number, index + 1) % (kVocabulary - 3)));
  }
  request.max_tokens = 12 + number % 9;
  request.sampling.temperature = number % 2 == 0 ? 0.0F : 1.0F;
  request.sampling.seed = number;
  request.ignore_eos = true;
  return request;
}

// What three tokens in a row, the `first` or later, say, where all three say something and none of
// it was said before.
std::string TextOfThreeTokens(const Collected& answer, size_t first) {
  size_t begin = 0;
  for (size_t index = 0; index + 2 < answer.events.size(); ++index) {
    const std::string& one = answer.events[index].text;
    const std::string& two = answer.events[index + 1].text;
    const std::string& three = answer.events[index + 2].text;
    const std::string all = one + two + three;
    const bool all_speak = !one.empty() && !two.empty() && !three.empty();
    if (index >= first && all_speak && answer.text.find(all) == begin) return all;
    begin += one.size();
  }
  return {};
}

// What weights are kept in, and how products with them are summed.
struct Weights {
  std::string name;
  std::optional<DType> packed;  // else f32, as they were made
  Bf16Order order = Bf16Order::kPairs;
};

ClusterShape OneWorker(const Weights& weights) {
  ClusterShape shape;
  shape.workers = 1;
  shape.replication = 1;
  shape.bf16_order = weights.order;
  shape.scheduler.kv_blocks = 512;
  return shape;
}

MixtralConfig SmallConfig() {
  MixtralConfig config = TinyMixtralConfig();
  config.vocabulary = kVocabulary;
  config.positions = 256;
  return config;
}

// A model in one kind of weights, and what it answers to each request alone.
class Subject {
 public:
  explicit Subject(const Weights& weights)
      : model_(SmallConfig(), WINDROSE_SOURCE_DIR, weights.packed) {
    for (uint32_t number = 0; number < kMostRequests; ++number) {
      alone_.push_back(Run(OneWorker(weights), 1, number).front());
    }
  }

  const std::vector<Recorded>& alone() const { return alone_; }
  uint64_t preemptions() const { return preemptions_; }  // of the last run

  std::unique_ptr<SimCluster> MakeCluster(const ClusterShape& shape) const {
    return std::make_unique<SimCluster>(model_.checkpoint(), model_.tokenizer(), shape);
  }

  // Runs requests [first, first + count) together.
  std::vector<Recorded> Run(const ClusterShape& shape, uint32_t count, uint32_t first = 0,
                            bool kill = false) {
    const std::unique_ptr<SimCluster> cluster = MakeCluster(shape);
    LogitRecorder recorder;
    cluster->step().set_probe(&recorder);
    std::vector<std::shared_ptr<Collected>> answers;
    std::vector<uint64_t> tickets(count);
    for (uint32_t index = 0; index < count; ++index) {
      answers.push_back(cluster->Submit(MakeRequest(first + index), &tickets[index]));
    }
    if (kill) KillInTheMiddle(*cluster);
    EXPECT_TRUE(cluster->RunUntilDone());
    preemptions_ = cluster->preemptions();
    std::vector<Recorded> recorded;
    for (uint32_t index = 0; index < count; ++index) {
      recorded.push_back({recorder.Of(tickets[index]), answers[index]->tokens()});
    }
    return recorded;
  }

 private:
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

  TinyModel model_;
  std::vector<Recorded> alone_;
  uint64_t preemptions_ = 0;
};

class Determinism : public testing::TestWithParam<Weights> {
 protected:
  static void TearDownTestSuite() { subjects().clear(); }

  static Subject& SubjectOf(const Weights& weights) {
    std::unique_ptr<Subject>& subject = subjects()[weights.name];
    if (subject == nullptr) subject = std::make_unique<Subject>(weights);
    return *subject;
  }

  static ClusterShape Shape() { return OneWorker(GetParam()); }

  // That requests [0, count) together, on a cluster of this shape, answer as each does alone.
  void ExpectSameBits(const ClusterShape& shape, uint32_t count, bool kill = false) {
    const std::vector<Recorded> together = subject_.Run(shape, count, 0, kill);
    for (size_t index = 0; index < count; ++index) {
      const Recorded& wanted = subject_.alone()[index];
      ASSERT_FALSE(wanted.logits.empty());
      EXPECT_EQ(together[index].tokens, wanted.tokens) << "request " << index;
      EXPECT_TRUE(together[index].logits == wanted.logits) << "logits of request " << index;
    }
  }

  std::shared_ptr<Collected> Answer(const Request& request) const {
    const std::unique_ptr<SimCluster> cluster = subject_.MakeCluster(Shape());
    const std::shared_ptr<Collected> answer = cluster->Submit(request);
    EXPECT_TRUE(cluster->RunUntilDone());
    return answer;
  }

  // That a replay behind any number of the answer's tokens goes on as if nothing had happened.
  void ExpectTheSameBehindEveryCut(const Request& request) const {
    const std::shared_ptr<Collected> whole = Answer(request);
    ASSERT_TRUE(whole->finish.has_value());
    for (size_t cut = 0; cut <= whole->events.size(); ++cut) {
      SCOPED_TRACE(testing::Message() << "behind " << cut << " tokens");
      Request replay = request;
      const std::vector<TokenId> tokens = whole->tokens();
      replay.resume.assign(tokens.begin(), tokens.begin() + static_cast<ptrdiff_t>(cut));
      const std::shared_ptr<Collected> rest = Answer(replay);
      ASSERT_EQ(rest->events.size(), whole->events.size() - cut);
      for (size_t index = cut; index < whole->events.size(); ++index) {
        ExpectSameEvent(rest->events[index - cut], whole->events[index]);
      }
      ASSERT_TRUE(rest->finish.has_value());
      ExpectSameFinish(*rest->finish, *whole->finish);
    }
  }

  static void ExpectSameEvent(const TokenEvent& got, const TokenEvent& wanted) {
    EXPECT_EQ(got.id, wanted.id);
    EXPECT_EQ(got.index, wanted.index);
    EXPECT_EQ(got.text, wanted.text) << "token " << wanted.index;
    ASSERT_EQ(got.logprob.has_value(), wanted.logprob.has_value());
    if (wanted.logprob) ExpectSameLogprob(*got.logprob, *wanted.logprob);
    ASSERT_EQ(got.top.size(), wanted.top.size());
    for (size_t rank = 0; rank < wanted.top.size(); ++rank) {
      ExpectSameLogprob(got.top[rank], wanted.top[rank]);
    }
  }

  static void ExpectSameLogprob(const TokenLogprob& got, const TokenLogprob& wanted) {
    EXPECT_EQ(got.id, wanted.id);
    EXPECT_EQ(std::bit_cast<uint32_t>(got.logprob), std::bit_cast<uint32_t>(wanted.logprob));
  }

  static void ExpectSameFinish(const Finish& got, const Finish& wanted) {
    EXPECT_EQ(got.reason, wanted.reason);
    EXPECT_EQ(got.text, wanted.text);
    EXPECT_EQ(got.stop_string, wanted.stop_string);
    EXPECT_EQ(got.generated_tokens, wanted.generated_tokens);
  }

  // By name; made when a test first wants one, kept for all tests.
  static std::map<std::string, std::unique_ptr<Subject>>& subjects() {
    static std::map<std::string, std::unique_ptr<Subject>> all;
    return all;
  }

  Subject& subject_ = SubjectOf(GetParam());
};

const std::vector<Weights>& AllWeights() {
  static const std::vector<Weights> all = {
      {.name = "f32", .packed = std::nullopt},
      {.name = "q4", .packed = DType::kQ4},
      {.name = "q8", .packed = DType::kQ8},
      {.name = "pbf16_pairs", .packed = DType::kPackedBf16, .order = Bf16Order::kPairs},
      {.name = "pbf16_blocks", .packed = DType::kPackedBf16, .order = Bf16Order::kBlocks}};
  return all;
}
INSTANTIATE_TEST_SUITE_P(Of, Determinism, testing::ValuesIn(AllWeights()),
                         [](const auto& weights) { return weights.param.name; });

TEST_P(Determinism, BatchesOfTwoToThirtyTwo) {
  for (const uint32_t count : {2U, 3U, 5U, 8U, 13U, 21U, 32U}) {
    SCOPED_TRACE(count);
    ExpectSameBits(Shape(), count);
  }
}

TEST_P(Determinism, ChunksOfOneToFiveHundredAndTwelve) {
  for (const uint32_t chunk : {1U, 2U, 7U, 15U, 16U, 17U, 64U, 512U}) {
    SCOPED_TRACE(chunk);
    ClusterShape shape = Shape();
    shape.scheduler.prefill_chunk = chunk;
    ExpectSameBits(shape, 6);
  }
}

TEST_P(Determinism, OneToFourThreads) {
  for (const size_t threads : {2U, 3U, 4U}) {
    SCOPED_TRACE(threads);
    ClusterShape shape = Shape();
    shape.threads = threads;
    ExpectSameBits(shape, 8);
  }
}

TEST_P(Determinism, OneToEightWorkersWithAndWithoutReplicas) {
  for (const size_t workers : {1U, 2U, 4U, 8U}) {
    for (const size_t replication : {1U, 2U}) {
      SCOPED_TRACE(testing::Message() << workers << " workers, replication " << replication);
      ClusterShape shape = Shape();
      shape.workers = workers;
      shape.replication = std::min(workers, replication);
      ExpectSameBits(shape, 8);
    }
  }
}

TEST_P(Determinism, FewFramesOrMany) {
  for (const ExpertSize size : {kSmallExpert, kLargeExpert}) {
    SCOPED_TRACE(size.weights);
    ClusterShape shape = Shape();
    shape.workers = 3;
    shape.replication = 3;
    shape.expert = size;
    ExpectSameBits(shape, 8);
  }
}

// The portable fallback alone is left out: it has no fused multiply-add, and so, other bits.
TEST_P(Determinism, EveryInstructionSet) {
  OnEachInstructionSet([this](const std::string& set) {
    if (IsFused(set)) ExpectSameBits(Shape(), 8);
  });
}

TEST_P(Determinism, WorkersKilledInTheMiddle) {
  ClusterShape shape = Shape();
  shape.workers = 4;
  shape.replication = 2;
  ExpectSameBits(shape, 8, true);
}

TEST_P(Determinism, PreemptionAndRecomputation) {
  ClusterShape shape = Shape();
  shape.scheduler.kv_blocks = 12;
  ExpectSameBits(shape, 8);
  EXPECT_GT(subject_.preemptions(), 0U);
}

TEST_P(Determinism, AReplayGoesOnWithTheSameTextToTheLimit) {
  ExpectTheSameBehindEveryCut(MakeRequest(3));
}

// All that depends on what was emitted before: penalties, bytes of a character that is not whole
// yet, text that is held back because a stop string may have begun.
TEST_P(Determinism, AReplayGoesOnWithTheSameTextStopPenaltiesAndLogprobs) {
  Request request = MakeRequest(3);
  request.max_tokens = 40;
  request.sampling.presence_penalty = 1.0F;
  request.sampling.frequency_penalty = 0.5F;
  request.logprobs = 2;
  // The bytes of one character, so often that it becomes whole at times, and not at others.
  for (const uint32_t byte : {0xC3U, 0xA9U}) {
    request.sampling.logit_bias[TokenId(kFirstBytePiece + byte)] = 8.0F;
  }
  const std::shared_ptr<Collected> free = Answer(request);
  request.stop = {TextOfThreeTokens(*free, 20)};
  const std::shared_ptr<Collected> stopped = Answer(request);
  ASSERT_TRUE(stopped->finish.has_value());
  ASSERT_EQ(stopped->finish->stop_string, request.stop[0]);
  ASSERT_LT(stopped->events.size(), free->events.size());
  ASSERT_NE(stopped->text.find("\xC3\xA9"), std::string::npos) << stopped->text;
  ASSERT_NE(stopped->text.find("\xEF\xBF\xBD"), std::string::npos) << stopped->text;
  ExpectTheSameBehindEveryCut(request);
}

// Else a test above might have run with other weights than it says.
TEST_P(Determinism, EveryKindOfWeightsHasBitsOfItsOwn) {
  for (const Weights& other : AllWeights()) {
    if (other.name == GetParam().name) continue;
    EXPECT_FALSE(SubjectOf(other).alone()[0].logits == subject_.alone()[0].logits) << other.name;
  }
}

}  // namespace
}  // namespace windrose
