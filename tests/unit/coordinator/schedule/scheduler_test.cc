#include "coordinator/schedule/scheduler.h"

#include <deque>
#include <iterator>
#include <map>
#include <random>
#include <set>

#include "gtest/gtest.h"

namespace windrose {
namespace {

class SchedulerTest : public testing::Test {
 protected:
  Sequence& Arrive(size_t length) {
    Sequence& sequence = sequences_.emplace_back();
    sequence.id = SequenceId(sequences_.size());
    sequence.prompt_length = static_cast<uint32_t>(length);
    for (uint32_t index = 0; index < length; ++index) sequence.tokens.emplace_back(index);
    return sequence;
  }

  // What the engine does after a step: rows are computed, finished spans get one more token.
  void Complete(const Batch& batch) {
    for (const BatchSpan& span : batch.spans) {
      Sequence& sequence = sequences_[span.sequence.value() - 1];
      sequence.computed += span.row_count;
      if (sequence.pending() == 0) sequence.tokens.emplace_back(7);
    }
  }

  std::deque<Sequence> sequences_;
};

SchedulerLimits Limits(uint32_t sequences, uint32_t rows, uint32_t chunk, uint32_t blocks) {
  return {.max_sequences = sequences,
          .max_batch_rows = rows,
          .prefill_chunk = chunk,
          .kv_blocks = blocks};
}

TEST_F(SchedulerTest, CutsALongPromptIntoChunks) {
  Scheduler scheduler(Limits(4, 100, 40, 64));
  scheduler.Add(Arrive(90));
  std::vector<uint32_t> rows;
  std::vector<size_t> logits;
  for (int step = 0; step < 3; ++step) {
    const Batch batch = scheduler.Schedule();
    rows.push_back(static_cast<uint32_t>(batch.row_count()));
    logits.push_back(batch.logit_rows.size());
    Complete(batch);
  }
  EXPECT_EQ(rows, (std::vector<uint32_t>{40, 40, 10}));
  EXPECT_EQ(logits, (std::vector<size_t>{0, 0, 1}));
}

TEST_F(SchedulerTest, GivesEveryDecodeItsRowBeforePrefills) {
  Scheduler scheduler(Limits(4, 20, 20, 64));
  scheduler.Add(Arrive(100));  // arrived first, and would take every row of a step
  scheduler.Add(Arrive(2));
  for (int step = 0; step < 5; ++step) Complete(scheduler.Schedule());
  Complete(scheduler.Schedule());  // the prompt of the second
  scheduler.Add(Arrive(100));
  const Batch batch = scheduler.Schedule();
  ASSERT_EQ(batch.spans.size(), 3U);
  EXPECT_EQ(batch.spans[0].row_count, 1U);
  EXPECT_EQ(batch.spans[1].row_count, 1U);
  EXPECT_EQ(batch.spans[2].row_count, 18U);
}

TEST_F(SchedulerTest, AShortPromptDoesNotWaitForLongOnes) {
  Scheduler scheduler(Limits(8, 64, 32, 1024));
  for (int index = 0; index < 3; ++index) scheduler.Add(Arrive(3000));
  Complete(scheduler.Schedule());
  scheduler.Add(Arrive(20));
  scheduler.Add(Arrive(12));
  const Batch batch = scheduler.Schedule();
  ASSERT_EQ(batch.spans.size(), 3U);
  EXPECT_EQ(batch.spans[0].sequence, SequenceId(1));
  EXPECT_EQ(batch.spans[0].row_count, 32U);
  EXPECT_EQ(batch.spans[1].sequence, SequenceId(5));
  EXPECT_EQ(batch.spans[1].row_count, 12U);
  EXPECT_EQ(batch.spans[2].sequence, SequenceId(4));
  EXPECT_EQ(batch.spans[2].row_count, 20U);
}

TEST_F(SchedulerTest, TheEarliestPrefillGoesOnThoughShorterOnesKeepComing) {
  Scheduler scheduler(Limits(8, 48, 32, 1024));
  scheduler.Add(Arrive(320));
  for (uint32_t step = 0; step < 10; ++step) {
    for (int index = 0; index < 4; ++index) scheduler.Add(Arrive(16));
    EXPECT_EQ(sequences_[0].computed, 32 * step);
    Complete(scheduler.Schedule());
    for (Sequence& sequence : sequences_) {
      if (sequence.prompt_length == 16 && sequence.computed == 16) scheduler.Remove(sequence);
    }
  }
  EXPECT_EQ(sequences_[0].pending(), 1U);
}

TEST_F(SchedulerTest, HonoursTheLimitOnSequences) {
  Scheduler scheduler(Limits(2, 64, 64, 64));
  for (int index = 0; index < 3; ++index) scheduler.Add(Arrive(3));
  EXPECT_EQ(scheduler.Schedule().spans.size(), 2U);
  EXPECT_EQ(scheduler.waiting_count(), 1U);
}

TEST_F(SchedulerTest, AdmitsOnlyWhatFitsTheCache) {
  Scheduler scheduler(Limits(8, 128, 128, 3));
  scheduler.Add(Arrive(33));  // 3 blocks
  scheduler.Add(Arrive(1));
  EXPECT_EQ(scheduler.Schedule().spans.size(), 1U);
  EXPECT_TRUE(scheduler.FitsCache(48));
  EXPECT_FALSE(scheduler.FitsCache(49));
}

TEST_F(SchedulerTest, PreemptsTheLatestArrivalWhenTheCacheIsFull) {
  Scheduler scheduler(Limits(8, 128, 128, 2));
  scheduler.Add(Arrive(16));
  scheduler.Add(Arrive(16));
  Complete(scheduler.Schedule());  // both full: each now needs a second block
  const Batch batch = scheduler.Schedule();
  ASSERT_EQ(batch.spans.size(), 1U);
  EXPECT_EQ(batch.spans[0].sequence, SequenceId(1));
  EXPECT_EQ(scheduler.preemptions(), 1U);
  EXPECT_EQ(sequences_[1].computed, 0U);
  EXPECT_TRUE(sequences_[1].blocks.empty());
  EXPECT_EQ(scheduler.waiting_count(), 1U);
}

TEST_F(SchedulerTest, APreemptedSequenceIsComputedAgainFromItsStart) {
  Scheduler scheduler(Limits(8, 128, 128, 2));
  scheduler.Add(Arrive(16));
  scheduler.Add(Arrive(15));
  Complete(scheduler.Schedule());
  Complete(scheduler.Schedule());  // preempts the second, then 16 + 1 rows of the first
  scheduler.Remove(sequences_[0]);
  const Batch batch = scheduler.Schedule();
  ASSERT_EQ(batch.spans.size(), 1U);
  EXPECT_EQ(batch.spans[0].first_position, 0U);
  EXPECT_EQ(batch.spans[0].row_count, sequences_[1].tokens.size());
}

TEST_F(SchedulerTest, APreemptedSequenceGoesOnBeforeLaterArrivals) {
  Scheduler scheduler(Limits(8, 128, 128, 2));
  scheduler.Add(Arrive(16));
  scheduler.Add(Arrive(16));
  Complete(scheduler.Schedule());
  scheduler.Add(Arrive(1));
  Complete(scheduler.Schedule());  // preempts the second
  scheduler.Remove(sequences_[0]);
  const Batch batch = scheduler.Schedule();
  ASSERT_EQ(batch.spans.size(), 1U);
  EXPECT_EQ(batch.spans[0].sequence, SequenceId(2));
}

TEST_F(SchedulerTest, AnAnswerUnderWayGoesBeforeThoseThatHaveNotBegun) {
  Scheduler scheduler(Limits(2, 128, 128, 4));
  for (int index = 0; index < 3; ++index) scheduler.Add(Arrive(16));
  Complete(scheduler.Schedule());
  Sequence& under_way = Arrive(30);
  under_way.under_way = true;
  scheduler.Add(under_way);
  scheduler.Remove(sequences_[0]);
  Complete(scheduler.Schedule());
  EXPECT_EQ(under_way.computed, 30U);
  EXPECT_EQ(sequences_[2].computed, 0U);
  for (int step = 0; step < 3; ++step) Complete(scheduler.Schedule());
  EXPECT_EQ(scheduler.preemptions(), 1U);
  EXPECT_TRUE(sequences_[1].blocks.empty());
  EXPECT_EQ(under_way.computed, 33U);
}

TEST_F(SchedulerTest, FillsABatchToItsLastRowAndNoFurther) {
  Scheduler scheduler(Limits(3, 3, 3, 64));
  for (const size_t length : {1U, 4U, 1U}) scheduler.Add(Arrive(length));
  for (int step = 0; step < 5; ++step) {
    const Batch batch = scheduler.Schedule();
    EXPECT_EQ(batch.row_count(), 3U) << step;
    EXPECT_EQ(batch.spans.size(), 3U) << step;
    Complete(batch);
  }
}

TEST_F(SchedulerTest, RemoveGivesBlocksBack) {
  Scheduler scheduler(Limits(8, 128, 128, 4));
  scheduler.Add(Arrive(40));
  Complete(scheduler.Schedule());
  EXPECT_EQ(scheduler.blocks_used(), 3U);
  scheduler.Remove(sequences_[0]);
  EXPECT_EQ(scheduler.blocks_used(), 0U);
  EXPECT_TRUE(scheduler.idle());
}

TEST_F(SchedulerTest, EchoWantsTheLogitsOfTheWholePrompt) {
  Scheduler scheduler(Limits(8, 128, 4, 4));
  Sequence& sequence = Arrive(10);
  sequence.echo_from = 0;
  scheduler.Add(sequence);
  size_t wanted = 0;
  for (int step = 0; step < 3; ++step) {
    const Batch batch = scheduler.Schedule();
    wanted += batch.logit_rows.size();
    sequence.echo_from += static_cast<uint32_t>(batch.logit_rows.size());
    Complete(batch);
  }
  EXPECT_EQ(wanted, 10U);
}

// As after a preemption: what was echoed before is computed once more, and not wanted.
TEST_F(SchedulerTest, EchoGoesOnWhereItWas) {
  Scheduler scheduler(Limits(8, 128, 4, 4));
  Sequence& sequence = Arrive(10);
  sequence.echo_from = 6;
  scheduler.Add(sequence);
  std::vector<uint32_t> first_rows;
  std::vector<size_t> wanted;
  for (int step = 0; step < 3; ++step) {
    const Batch batch = scheduler.Schedule();
    first_rows.push_back(batch.spans.at(0).first_logit_row);
    wanted.push_back(batch.logit_rows.size());
    sequence.echo_from += static_cast<uint32_t>(batch.logit_rows.size());
    Complete(batch);
  }
  EXPECT_EQ(first_rows, (std::vector<uint32_t>{4, 2, 0}));
  EXPECT_EQ(wanted, (std::vector<size_t>{0, 2, 2}));
}

TEST_F(SchedulerTest, BehindTheEchoOnlyTheLastTokensLogitsAreWanted) {
  Scheduler scheduler(Limits(8, 128, 128, 4));
  Sequence& sequence = Arrive(12);
  sequence.prompt_length = 10;  // and two that were generated
  sequence.echo_from = 10;
  scheduler.Add(sequence);
  EXPECT_EQ(scheduler.Schedule().logit_rows, (std::vector<uint32_t>{11}));
}

TEST_F(SchedulerTest, RowsCarryTokensPositionsAndEnoughBlocks) {
  Scheduler scheduler(Limits(8, 128, 20, 8));
  scheduler.Add(Arrive(30));
  Complete(scheduler.Schedule());
  const Batch batch = scheduler.Schedule();
  ASSERT_EQ(batch.row_count(), 10U);
  EXPECT_EQ(batch.positions.front(), 20U);
  EXPECT_EQ(batch.tokens.back(), TokenId(29));
  EXPECT_EQ(batch.spans[0].blocks.size(), 2U);
}

// Sequences of all lengths come, grow, are cancelled and end, in caches from tiny to ample.
class SchedulerUnderLoad : public SchedulerTest, public testing::WithParamInterface<uint64_t> {
 protected:
  uint32_t From(uint32_t lowest, uint32_t highest) {
    return std::uniform_int_distribution<uint32_t>(lowest, highest)(random_);
  }

  // What a step may hold, beside what AppendSpan checks.
  void Check(const Batch& batch, const SchedulerLimits& limits) {
    std::set<SequenceId> seen;
    std::set<BlockId> blocks;
    size_t block_count = 0;
    EXPECT_LE(batch.row_count(), limits.max_batch_rows);
    for (const BatchSpan& span : batch.spans) {
      const Sequence& sequence = sequences_[span.sequence.value() - 1];
      EXPECT_TRUE(seen.insert(span.sequence).second);
      EXPECT_EQ(span.first_position, sequence.computed);
      EXPECT_LE(span.row_count, limits.prefill_chunk);
      EXPECT_GE(sequence.pending(), span.row_count);
      blocks.insert(span.blocks.begin(), span.blocks.end());
      block_count += span.blocks.size();
    }
    EXPECT_EQ(blocks.size(), block_count) << "a block of two sequences";
  }

  std::mt19937_64 random_{GetParam()};
};

TEST_P(SchedulerUnderLoad, EveryAnswerEndsAndNoBlockIsLostOrShared) {
  const uint32_t rows = From(8, 64);
  const SchedulerLimits limits = Limits(From(1, 8), rows, From(1, rows), From(8, 40));
  Scheduler scheduler(limits);
  std::map<SequenceId, size_t> wanted;  // length at which it ends
  const uint32_t capacity = limits.kv_blocks * kKvBlockSize;
  for (uint32_t step = 0; step < 60'000; ++step) {
    if (sequences_.size() < 60 && From(0, 3) == 0) {
      Sequence& arrived = Arrive(From(1, From(1, capacity - 1)));
      arrived.under_way = From(0, 4) == 0;
      wanted[arrived.id] =
          From(arrived.prompt_length + 1, std::min(capacity, arrived.prompt_length + 100));
      scheduler.Add(arrived);
    }
    const Batch batch = scheduler.Schedule();
    ASSERT_EQ(batch.spans.empty(), scheduler.idle());
    Check(batch, limits);
    Complete(batch);
    for (auto next = wanted.begin(); next != wanted.end();) {
      Sequence& sequence = sequences_[next->first.value() - 1];
      const bool over = sequence.tokens.size() >= next->second || From(0, 2000) == 0;
      if (over) scheduler.Remove(sequence);
      next = over ? wanted.erase(next) : std::next(next);
    }
    if (sequences_.size() == 60 && wanted.empty()) break;
  }
  EXPECT_TRUE(wanted.empty());
  EXPECT_TRUE(scheduler.idle());
  EXPECT_EQ(scheduler.blocks_used(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SchedulerUnderLoad, testing::Range(uint64_t{1}, uint64_t{41}));

TEST(KvAllocator, GrantsAllOrNothing) {
  KvAllocator allocator(3);
  std::vector<BlockId> a;
  std::vector<BlockId> b;
  EXPECT_TRUE(allocator.Extend(2, a));
  EXPECT_FALSE(allocator.Extend(2, b));
  EXPECT_TRUE(b.empty());
  EXPECT_EQ(allocator.free_count(), 1U);
  allocator.Release(a);
  EXPECT_TRUE(allocator.Extend(3, b));
  EXPECT_EQ(allocator.used_count(), 3U);
}

TEST(KvAllocator, GrantsEachBlockThereIsOnce) {
  KvAllocator allocator(5);
  std::vector<BlockId> a;
  std::vector<BlockId> b;
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(allocator.Extend(2, a));
    ASSERT_TRUE(allocator.Extend(3, b));
    std::set<BlockId> all(a.begin(), a.end());
    all.insert(b.begin(), b.end());
    EXPECT_EQ(all, (std::set<BlockId>{BlockId(0), BlockId(1), BlockId(2), BlockId(3), BlockId(4)}));
    allocator.Release(a);
    allocator.Release(b);
  }
}

}  // namespace
}  // namespace windrose
