#include <algorithm>
#include <limits>

#include "common/base/check.h"
#include "common/wire/frame.h"
#include "common/wire/frame_layout.h"

namespace windrose::wire {
namespace {

// Whole microseconds, held inside what the field can say.
uint32_t MicrosecondsField(Duration duration) {
  const int64_t microseconds =
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  constexpr int64_t kMost = std::numeric_limits<uint32_t>::max();
  return static_cast<uint32_t>(std::clamp<int64_t>(microseconds, 0, kMost));
}

void StoreHeader(const FrameHeader& header, uint8_t kind, std::span<std::byte> bytes) {
  Store<uint32_t>(bytes, kMagicAt, kMagic);
  Store<uint8_t>(bytes, kKindAt, kind);
  Store<uint8_t>(bytes, kArithmeticAt,
                 Join({static_cast<uint8_t>(header.type), static_cast<uint8_t>(header.order)}));
  Store<uint64_t>(bytes, kModelHashAt, header.model_hash);
  Store<uint64_t>(bytes, kEpochAt, header.epoch);
  Store<uint64_t>(bytes, kDispatchIdAt, header.dispatch_id.value());
  Store<uint32_t>(bytes, kAttemptAt, header.attempt);
  Store<uint32_t>(bytes, kLayerAt, header.layer.value());
  Store<uint32_t>(bytes, kHiddenAt, header.hidden);
}

void StoreSegments(const std::vector<Segment>& segments, std::span<std::byte> bytes) {
  CHECK(segments.size() <= std::numeric_limits<uint16_t>::max());
  Store<uint16_t>(bytes, kSegmentCountAt, static_cast<uint16_t>(segments.size()));
  size_t at = kHeaderBytes;
  for (const Segment& segment : segments) {
    CHECK(segment.expert.value() <= std::numeric_limits<uint16_t>::max());
    Store<uint16_t>(bytes, at, static_cast<uint16_t>(segment.expert.value()));
    Store<uint16_t>(bytes, at + 2, static_cast<uint16_t>(segment.status));
    Store<uint32_t>(bytes, at + 4, segment.first);
    Store<uint32_t>(bytes, at + 8, segment.count);
    at += kSegmentBytes;
  }
}

}  // namespace

std::vector<std::byte> Encode(const CallFrame& frame) {
  CHECK(frame.rows.size() == frame.row_count * RowBytes(frame.header.type, frame.header.hidden));
  const size_t index_at = kHeaderBytes + frame.segments.size() * kSegmentBytes;
  const size_t rows_at = AlignRows(index_at + frame.row_index.size() * kIndexBytes);
  std::vector<std::byte> bytes(rows_at + frame.rows.size());
  StoreHeader(frame.header, kCallKind, bytes);
  StoreSegments(frame.segments, bytes);
  Store<uint32_t>(bytes, kRowCountAt, frame.row_count);
  Store<uint32_t>(bytes, kIndexCountAt, static_cast<uint32_t>(frame.row_index.size()));
  Store<uint32_t>(bytes, kTimeAt, MicrosecondsField(frame.budget));
  std::copy_n(std::as_bytes(std::span(frame.row_index)).begin(),
              frame.row_index.size() * kIndexBytes,
              bytes.begin() + static_cast<ptrdiff_t>(index_at));
  std::copy(frame.rows.begin(), frame.rows.end(), bytes.begin() + static_cast<ptrdiff_t>(rows_at));
  Store<uint32_t>(bytes, kChecksumAt, FrameChecksum(bytes));
  return bytes;
}

std::vector<std::byte> Encode(const ReplyFrame& frame) {
  CHECK(frame.rows.size() == frame.row_count * RowBytes(frame.header.type, frame.header.hidden));
  const size_t rows_at = AlignRows(kHeaderBytes + frame.segments.size() * kSegmentBytes);
  std::vector<std::byte> bytes(rows_at + frame.rows.size());
  StoreHeader(frame.header, kReplyKind, bytes);
  StoreSegments(frame.segments, bytes);
  Store<uint32_t>(bytes, kRowCountAt, frame.row_count);
  Store<uint32_t>(bytes, kTimeAt, MicrosecondsField(frame.service));
  Store<uint32_t>(bytes, kQueuedRowsAt, frame.queued_rows);
  std::copy(frame.rows.begin(), frame.rows.end(), bytes.begin() + static_cast<ptrdiff_t>(rows_at));
  Store<uint32_t>(bytes, kChecksumAt, FrameChecksum(bytes));
  return bytes;
}

}  // namespace windrose::wire
