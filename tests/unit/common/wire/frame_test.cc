#include "common/wire/frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/unit/common/wire/frames.h"

namespace windrose::wire {
namespace {

using ::testing::ElementsAre;

class FrameTypes : public ::testing::TestWithParam<RowType> {};
INSTANTIATE_TEST_SUITE_P(All, FrameTypes, ::testing::Values(RowType::kF32, RowType::kBf16));

void ExpectSameHeader(const FrameHeader& got, const FrameHeader& wanted) {
  EXPECT_EQ(got.type, wanted.type);
  EXPECT_EQ(got.order, wanted.order);
  EXPECT_EQ(got.model_hash, wanted.model_hash);
  EXPECT_EQ(got.epoch, wanted.epoch);
  EXPECT_EQ(got.dispatch_id, wanted.dispatch_id);
  EXPECT_EQ(got.attempt, wanted.attempt);
  EXPECT_EQ(got.layer, wanted.layer);
  EXPECT_EQ(got.hidden, wanted.hidden);
}

void ExpectSameSegments(const std::vector<Segment>& got, const std::vector<Segment>& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t index = 0; index < got.size(); ++index) {
    EXPECT_EQ(got[index].expert, wanted[index].expert);
    EXPECT_EQ(got[index].status, wanted[index].status);
    EXPECT_EQ(got[index].first, wanted[index].first);
    EXPECT_EQ(got[index].count, wanted[index].count);
  }
}

TEST_P(FrameTypes, CallComesBackAsItWasSent) {
  const std::vector<std::byte> rows = TestRows(GetParam(), 3);
  const CallFrame sent = TestCall(GetParam(), rows);
  const std::vector<std::byte> bytes = Encode(sent);
  const StatusOr<CallFrame> got = DecodeCall(bytes, TestLimits());
  ASSERT_TRUE(got.ok()) << ToString(got.status());
  ExpectSameHeader(got->header, sent.header);
  ExpectSameSegments(got->segments, sent.segments);
  EXPECT_EQ(got->budget, Microseconds(1500));
  EXPECT_THAT(got->row_index, ElementsAre(0, 1, 2, 1));
  EXPECT_EQ(got->row_count, 3U);
  EXPECT_TRUE(std::equal(got->rows.begin(), got->rows.end(), rows.begin(), rows.end()));
}

TEST_P(FrameTypes, ReplyComesBackAsItWasSent) {
  const std::vector<std::byte> rows = TestRows(GetParam(), 2);
  const ReplyFrame sent = TestReply(GetParam(), rows);
  const std::vector<std::byte> bytes = Encode(sent);
  const StatusOr<ReplyFrame> got = DecodeReply(bytes, TestLimits());
  ASSERT_TRUE(got.ok()) << ToString(got.status());
  ExpectSameHeader(got->header, sent.header);
  ExpectSameSegments(got->segments, sent.segments);
  EXPECT_EQ(got->service, Microseconds(90));
  EXPECT_EQ(got->queued_rows, 11U);
  EXPECT_EQ(got->row_count, 2U);
  EXPECT_TRUE(std::equal(got->rows.begin(), got->rows.end(), rows.begin(), rows.end()));
}

TEST(Frame, ReplyWithoutAnyRowComesBack) {
  ReplyFrame sent = TestReply(RowType::kF32, {});
  sent.segments = {{.expert = ExpertId(2), .status = StatusCode::kResourceExhausted}};
  sent.row_count = 0;
  const StatusOr<ReplyFrame> got = DecodeReply(Encode(sent), TestLimits());
  ASSERT_TRUE(got.ok()) << ToString(got.status());
  EXPECT_EQ(got->segments[0].status, StatusCode::kResourceExhausted);
  EXPECT_TRUE(got->rows.empty());
}

TEST(Frame, StandsInMemoryAsTheGrammarSays) {
  const std::vector<std::byte> rows = TestRows(RowType::kF32, 3);
  const std::vector<std::byte> bytes = Encode(TestCall(RowType::kF32, rows));
  EXPECT_EQ(bytes.size(), 64U + 64U + 3U * 12U);  // 24 + 16 bytes of tables, padded to 64
  EXPECT_EQ(Load<uint32_t>(bytes, 0), 0x31465257U);
  EXPECT_EQ(static_cast<char>(bytes[0]), 'W');
  EXPECT_EQ(Load<uint8_t>(bytes, 4), 1U);
  EXPECT_EQ(Load<uint8_t>(bytes, 5), 0x11U);
  EXPECT_EQ(Load<uint16_t>(bytes, 6), 2U);
  EXPECT_EQ(Load<uint64_t>(bytes, 8), kTestModel);
  EXPECT_EQ(Load<uint64_t>(bytes, 16), 7U);
  EXPECT_EQ(Load<uint64_t>(bytes, 24), 0x0102030405060708U);
  EXPECT_EQ(Load<uint32_t>(bytes, 32), 3U);
  EXPECT_EQ(Load<uint32_t>(bytes, 36), 5U);
  EXPECT_EQ(Load<uint32_t>(bytes, 40), 3U);
  EXPECT_EQ(Load<uint32_t>(bytes, 44), 4U);
  EXPECT_EQ(Load<uint32_t>(bytes, 48), 3U);
  EXPECT_EQ(Load<uint32_t>(bytes, 52), 1500U);
  EXPECT_EQ(Load<uint32_t>(bytes, 56), 0U);
  EXPECT_EQ(Load<uint16_t>(bytes, 64), 2U);       // first expert
  EXPECT_EQ(Load<uint32_t>(bytes, 64 + 8), 3U);   // its count
  EXPECT_EQ(Load<uint32_t>(bytes, 64 + 24), 0U);  // row_index[0]
  EXPECT_EQ(Load<float>(bytes, 128), -1.0F);      // the first value
}

// The checksum of a frame may never change meaning, or old and new processes stop talking.
TEST(Frame, ChecksumIsPinned) {
  const std::vector<std::byte> bytes = Encode(TestCall(RowType::kF32, TestRows(RowType::kF32, 3)));
  EXPECT_EQ(Load<uint32_t>(bytes, 60), FrameChecksum(bytes));
  std::vector<std::byte> zeroed = bytes;
  Store<uint32_t>(zeroed, 60, 0U);
  EXPECT_EQ(FrameChecksum(zeroed), FrameChecksum(bytes));
  EXPECT_EQ(FrameChecksum(std::vector<std::byte>(64)), 0xC12C256EU);
}

TEST(Frame, BudgetIsHeldInsideItsField) {
  const std::vector<std::byte> rows = TestRows(RowType::kF32, 3);
  CallFrame call = TestCall(RowType::kF32, rows);
  call.budget = Seconds(100'000);
  EXPECT_EQ(DecodeCall(Encode(call), TestLimits())->budget, Microseconds(0xFFFFFFFF));
  call.budget = Microseconds(-5);
  EXPECT_EQ(DecodeCall(Encode(call), TestLimits())->budget, Duration{});
}

TEST(Frame, LargestFrameHasTheStatedSize) {
  constexpr uint32_t kSegments = 20;
  FrameLimits limits = TestLimits();
  limits.max_rows = 2 * kSegments;
  limits.max_segments = kSegments;
  const std::vector<std::byte> rows = TestRows(RowType::kF32, limits.max_rows);
  CallFrame call = TestCall(RowType::kF32, rows);
  call.row_count = limits.max_rows;
  call.row_index.resize(limits.max_rows);
  std::iota(call.row_index.begin(), call.row_index.end(), 0U);
  call.segments.clear();
  for (uint32_t expert = 0; expert < kSegments; ++expert) {
    call.segments.push_back({.expert = ExpertId(expert), .first = 2 * expert, .count = 2});
  }
  EXPECT_EQ(Encode(call).size(), MaxFrameBytes(limits));
  EXPECT_TRUE(DecodeCall(Encode(call), limits).ok());
  limits.max_segments = kSegments - 1;
  EXPECT_EQ(DecodeCall(Encode(call), limits).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace windrose::wire
