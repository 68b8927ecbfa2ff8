// Frames that a peer should never send: each is refused with a code that says why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>

#include "common/wire/frame.h"
#include "tests/unit/common/wire/frames.h"

namespace windrose::wire {
namespace {

using ::testing::HasSubstr;

std::vector<std::byte> CallBytes() {
  return Encode(TestCall(RowType::kF32, TestRows(RowType::kF32, 3)));
}
std::vector<std::byte> ReplyBytes() {
  return Encode(TestReply(RowType::kBf16, TestRows(RowType::kBf16, 2)));
}

// A copy of exactly this size on the heap, so that reading behind it is an error a sanitizer sees.
Status CallStatus(const std::vector<std::byte>& bytes, size_t size) {
  const auto exact = std::make_unique<std::byte[]>(size);
  if (size != 0) std::memcpy(exact.get(), bytes.data(), size);
  return DecodeCall({exact.get(), size}, TestLimits()).status();
}
Status CallStatus(const std::vector<std::byte>& bytes) { return CallStatus(bytes, bytes.size()); }
Status ReplyStatus(const std::vector<std::byte>& bytes, size_t size) {
  const auto exact = std::make_unique<std::byte[]>(size);
  if (size != 0) std::memcpy(exact.get(), bytes.data(), size);
  return DecodeReply({exact.get(), size}, TestLimits()).status();
}
Status ReplyStatus(const std::vector<std::byte>& bytes) { return ReplyStatus(bytes, bytes.size()); }

// A call with one integer changed and the checksum made right again.
template <typename Integer>
Status WithField(size_t at, Integer value) {
  std::vector<std::byte> bytes = CallBytes();
  Store<Integer>(bytes, at, value);
  Reseal(bytes);
  return CallStatus(bytes);
}
template <typename Integer>
Status ReplyWithField(size_t at, Integer value) {
  std::vector<std::byte> bytes = ReplyBytes();
  Store<Integer>(bytes, at, value);
  Reseal(bytes);
  return ReplyStatus(bytes);
}

void ExpectRefused(const Status& status, const std::string& field) {
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << ToString(status);
  EXPECT_THAT(Message(status), HasSubstr(field));
}

TEST(HostileFrame, TruncatedAnywhereIsRefused) {
  const std::vector<std::byte> call = CallBytes();
  for (size_t size = 0; size < call.size(); ++size) EXPECT_FALSE(CallStatus(call, size).ok());
  const std::vector<std::byte> reply = ReplyBytes();
  for (size_t size = 0; size < reply.size(); ++size) EXPECT_FALSE(ReplyStatus(reply, size).ok());
}

TEST(HostileFrame, TrailingByteIsRefused) {
  std::vector<std::byte> bytes = CallBytes();
  bytes.push_back(std::byte{0});
  Reseal(bytes);
  ExpectRefused(CallStatus(bytes), "size");
}

TEST(HostileFrame, AnyFlippedBitIsRefused) {
  const std::vector<std::byte> good = CallBytes();
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::vector<std::byte> bytes = good;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(CallStatus(bytes).ok()) << "bit " << bit;
  }
}

TEST(HostileFrame, FlippedRowBitIsDataLoss) {
  std::vector<std::byte> bytes = CallBytes();
  bytes.back() ^= std::byte{1};
  EXPECT_EQ(CallStatus(bytes).code(), StatusCode::kDataLoss);
}

TEST(HostileFrame, EachHeaderFieldIsChecked) {
  ExpectRefused(WithField<uint32_t>(kMagicAt, 0), "magic");
  ExpectRefused(WithField<uint8_t>(kKindAt, kReplyKind), "kind");
  ExpectRefused(WithField<uint8_t>(kKindAt, 3), "kind");
  ExpectRefused(WithField<uint8_t>(kArithmeticAt, 0), "row type");
  ExpectRefused(WithField<uint8_t>(kArithmeticAt, 3), "row type");
  ExpectRefused(WithField<uint8_t>(kArithmeticAt, 2), "size");  // bf16: half the bytes
  ExpectRefused(WithField<uint8_t>(kArithmeticAt, 0x21), "bf16 order");
  ExpectRefused(WithField<uint8_t>(kArithmeticAt, 0xF1), "bf16 order");
  ExpectRefused(WithField<uint32_t>(kHiddenAt, kTestHidden + 1), "hidden");
  ExpectRefused(WithField<uint32_t>(kHiddenAt, 0xFFFFFFFF), "hidden");
  ExpectRefused(WithField<uint32_t>(kQueuedRowsAt, 1), "queued rows");
  EXPECT_EQ(WithField<uint64_t>(kModelHashAt, 1).code(), StatusCode::kFailedPrecondition);
}

TEST(HostileFrame, HostileCountsAreRefused) {
  for (const auto count : std::initializer_list<uint16_t>{0, 1, 3, 5, 0xFFFF}) {
    EXPECT_FALSE(WithField<uint16_t>(kSegmentCountAt, count).ok()) << count;
  }
  for (const uint32_t count : {0U, 2U, 4U, 9U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU}) {
    EXPECT_FALSE(WithField<uint32_t>(kRowCountAt, count).ok()) << count;
    EXPECT_FALSE(ReplyWithField<uint32_t>(kRowCountAt, count == 2 ? 1U : count).ok()) << count;
  }
  for (const uint32_t count : {0U, 3U, 5U, 9U, 0x40000000U, 0xFFFFFFFFU}) {
    EXPECT_FALSE(WithField<uint32_t>(kIndexCountAt, count).ok()) << count;
  }
  ExpectRefused(ReplyWithField<uint32_t>(kIndexCountAt, 1), "index count");
}

TEST(HostileFrame, CallWithoutSegmentsIsRefused) {
  CallFrame call = TestCall(RowType::kF32, {});
  call.segments.clear();
  call.row_index.clear();
  call.row_count = 0;
  ExpectRefused(CallStatus(Encode(call)), "segment count");
}

// The header promises the most that 32 bits hold; the limits let it; memory would not.
TEST(HostileFrame, ProductsDoNotOverflow) {
  std::vector<std::byte> bytes = CallBytes();
  Store<uint32_t>(bytes, kRowCountAt, 0xFFFFFFFF);
  Store<uint32_t>(bytes, kHiddenAt, 0xFFFFFFFF);
  Reseal(bytes);
  const FrameLimits limits = {
      .max_rows = 0xFFFFFFFF, .max_segments = 64, .hidden = 0xFFFFFFFF, .model_hash = kTestModel};
  ExpectRefused(DecodeCall(bytes, limits).status(), "row count");
}

TEST(HostileFrame, RowIndexOutOfRangeIsRefused) {
  constexpr size_t kIndexAt = kHeaderBytes + 2 * kSegmentBytes;
  ExpectRefused(WithField<uint32_t>(kIndexAt, 3), "row index");
  ExpectRefused(WithField<uint32_t>(kIndexAt + 12, 0xFFFFFFFF), "row index");
}

TEST(HostileFrame, PaddingMustBeZero) {
  constexpr size_t kTablesEnd = kHeaderBytes + 2 * kSegmentBytes + 4 * kIndexBytes;
  ExpectRefused(WithField<uint8_t>(kTablesEnd, 1), "padding");
  ExpectRefused(WithField<uint8_t>(127, 1), "padding");
}

Status CallWithSegments(std::vector<Segment> segments) {
  const std::vector<std::byte> rows = TestRows(RowType::kF32, 3);
  CallFrame call = TestCall(RowType::kF32, rows);
  call.segments = std::move(segments);
  return CallStatus(Encode(call));
}

TEST(HostileFrame, CallSegmentsMustCoverTheIndexOnce) {
  const ExpertId one(1);
  const ExpertId two(2);
  EXPECT_TRUE(CallWithSegments({{one, StatusCode::kOk, 0, 2}, {two, StatusCode::kOk, 2, 2}}).ok());
  // Overlap, gap, too short, past the end, reversed, empty, expert twice, with a status.
  ExpectRefused(CallWithSegments({{one, StatusCode::kOk, 0, 3}, {two, StatusCode::kOk, 2, 2}}),
                "segment start");
  ExpectRefused(CallWithSegments({{one, StatusCode::kOk, 0, 1}, {two, StatusCode::kOk, 2, 2}}),
                "segment start");
  ExpectRefused(CallWithSegments({{one, StatusCode::kOk, 0, 3}}), "rows in segments");
  ExpectRefused(CallWithSegments({{one, StatusCode::kOk, 0, 2}, {two, StatusCode::kOk, 2, 3}}),
                "segment end");
  ExpectRefused(CallWithSegments({{one, StatusCode::kOk, 2, 2}, {two, StatusCode::kOk, 0, 2}}),
                "segment start");
  ExpectRefused(CallWithSegments({{one, StatusCode::kOk, 0, 0}, {two, StatusCode::kOk, 0, 3}}),
                "segment count");
  ExpectRefused(CallWithSegments({{one, StatusCode::kOk, 0, 2}, {one, StatusCode::kOk, 2, 2}}),
                "expert");
  ExpectRefused(CallWithSegments({{one, StatusCode::kAborted, 0, 2}, {two, StatusCode::kOk, 2, 2}}),
                "segment status");
}

TEST(HostileFrame, SegmentCannotWantARowMoreOftenThanThereAreRows) {
  ExpectRefused(CallWithSegments({{ExpertId(1), StatusCode::kOk, 0, 4}}), "segment count");
}

// A queue weighs a call by its index: rows that nobody wants would be kept for nothing.
TEST(HostileFrame, RowsThatNobodyWantsAreRefused) {
  const std::vector<std::byte> rows = TestRows(RowType::kF32, 3);
  CallFrame call = TestCall(RowType::kF32, rows);
  call.segments = {{.expert = ExpertId(2), .first = 0, .count = 1}};
  call.row_index = {0};
  ExpectRefused(CallStatus(Encode(call)), "row count");
}

TEST(HostileFrame, SegmentCountsDoNotWrapAround) {
  ExpectRefused(WithField<uint32_t>(kHeaderBytes + 8, 0xFFFFFFFF), "segment count");
  ExpectRefused(WithField<uint32_t>(kHeaderBytes + kSegmentBytes + 4, 0xFFFFFFFF), "segment start");
}

Status ReplyWithSegments(std::vector<Segment> segments) {
  const std::vector<std::byte> rows = TestRows(RowType::kBf16, 2);
  ReplyFrame reply = TestReply(RowType::kBf16, rows);
  reply.segments = std::move(segments);
  return ReplyStatus(Encode(reply));
}

TEST(HostileFrame, ReplySegmentsMustCoverTheRowsOnce) {
  const ExpertId one(1);
  const ExpertId two(2);
  EXPECT_TRUE(ReplyWithSegments({{one, StatusCode::kOk, 0, 1}, {two, StatusCode::kOk, 1, 1}}).ok());
  ExpectRefused(ReplyWithSegments({{one, StatusCode::kOk, 0, 2}, {two, StatusCode::kOk, 1, 1}}),
                "segment start");
  ExpectRefused(ReplyWithSegments({{one, StatusCode::kOk, 0, 1}}), "rows in segments");
  ExpectRefused(ReplyWithSegments({{one, StatusCode::kAborted, 0, 2}}), "segment count");
  ExpectRefused(ReplyWithSegments({{one, StatusCode::kOk, 0, 0}, {two, StatusCode::kOk, 0, 2}}),
                "segment count");
  ExpectRefused(ReplyWithSegments({{one, StatusCode::kOk, 0, 1}, {one, StatusCode::kOk, 1, 1}}),
                "expert");
  EXPECT_TRUE(ReplyWithField<uint16_t>(kHeaderBytes + kSegmentBytes + 2, 16).ok());
  ExpectRefused(ReplyWithField<uint16_t>(kHeaderBytes + kSegmentBytes + 2, 17), "segment status");
  ExpectRefused(ReplyWithField<uint16_t>(kHeaderBytes + kSegmentBytes + 2, 0xFFFF),
                "segment status");
}

TEST(HostileFrame, UnalignedBytesAreReadAllTheSame) {
  const std::vector<std::byte> good = CallBytes();
  for (size_t shift = 1; shift < 8; ++shift) {
    std::vector<std::byte> shifted(shift);
    shifted.insert(shifted.end(), good.begin(), good.end());
    const auto call = DecodeCall(std::span(shifted).subspan(shift), TestLimits());
    ASSERT_TRUE(call.ok());
    std::vector<float> row(kTestHidden);
    ReadRow(call->rows, RowType::kF32, 1, row);
    EXPECT_EQ(row[0], 0.5F);
  }
}

}  // namespace
}  // namespace windrose::wire
