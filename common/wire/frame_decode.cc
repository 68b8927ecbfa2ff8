#include <algorithm>
#include <limits>
#include <string>

#include "common/wire/frame.h"
#include "common/wire/frame_layout.h"

namespace windrose::wire {
namespace {

using Bytes = std::span<const std::byte>;

// Counts as the header states them, not yet compared with anything.
struct Counts {
  uint32_t segments = 0;
  uint32_t index = 0;
  uint32_t rows = 0;
};

// Where the parts of a frame stand. Set by CheckSizes, so every part lies inside the frame.
struct Extents {
  size_t segments_at = kHeaderBytes;
  size_t index_at = 0;
  size_t rows_at = 0;
  size_t rows_bytes = 0;
};

Status Wrong(const char* field, uint64_t got, const std::string& wanted) {
  return InvalidArgument(std::string("frame: ") + field + " is " + std::to_string(got) +
                         ", wanted " + wanted);
}

Status CheckStart(Bytes bytes, uint8_t kind) {
  if (bytes.size() < kHeaderBytes) {
    return Wrong("size", bytes.size(), "at least " + std::to_string(kHeaderBytes));
  }
  if (const auto magic = Load<uint32_t>(bytes, kMagicAt); magic != kMagic) {
    return Wrong("magic", magic, std::to_string(kMagic));
  }
  if (const auto got = Load<uint8_t>(bytes, kKindAt); got != kind) {
    return Wrong("kind", got, std::to_string(kind));
  }
  const auto [type, order] = Split(Load<uint8_t>(bytes, kArithmeticAt));
  if (type != static_cast<uint8_t>(RowType::kF32) && type != static_cast<uint8_t>(RowType::kBf16)) {
    return Wrong("row type", type, "1 or 2");
  }
  if (order > static_cast<uint8_t>(Bf16Order::kBlocks)) return Wrong("bf16 order", order, "0 or 1");
  return OkStatus();
}

FrameHeader LoadHeader(Bytes bytes) {
  FrameHeader header;
  const auto [type, order] = Split(Load<uint8_t>(bytes, kArithmeticAt));
  header.type = static_cast<RowType>(type);
  header.order = static_cast<Bf16Order>(order);
  header.model_hash = Load<uint64_t>(bytes, kModelHashAt);
  header.epoch = Load<uint64_t>(bytes, kEpochAt);
  header.dispatch_id = DispatchId(Load<uint64_t>(bytes, kDispatchIdAt));
  header.attempt = Load<uint32_t>(bytes, kAttemptAt);
  header.layer = LayerIndex(Load<uint32_t>(bytes, kLayerAt));
  header.hidden = Load<uint32_t>(bytes, kHiddenAt);
  return header;
}

Status CheckModel(const FrameHeader& header, const FrameLimits& limits) {
  if (header.model_hash != limits.model_hash) {
    return FailedPrecondition("frame: model hash is " + std::to_string(header.model_hash) +
                              ", here " + std::to_string(limits.model_hash));
  }
  if (header.hidden != limits.hidden) {
    return Wrong("hidden size", header.hidden, std::to_string(limits.hidden));
  }
  return OkStatus();
}

Counts LoadCounts(Bytes bytes) {
  return {Load<uint16_t>(bytes, kSegmentCountAt), Load<uint32_t>(bytes, kIndexCountAt),
          Load<uint32_t>(bytes, kRowCountAt)};
}

Status CheckCounts(const Counts& counts, const FrameLimits& limits) {
  const std::string most_rows = "at most " + std::to_string(limits.max_rows);
  if (counts.segments == 0 || counts.segments > limits.max_segments) {
    return Wrong("segment count", counts.segments, "1 to " + std::to_string(limits.max_segments));
  }
  if (counts.rows > limits.max_rows) return Wrong("row count", counts.rows, most_rows);
  if (counts.index > limits.max_rows) return Wrong("index count", counts.index, most_rows);
  return OkStatus();
}

// Counts are within limits and `hidden` is ours, but products are still computed with care.
StatusOr<Extents> CheckSizes(const Counts& counts, const FrameHeader& header, size_t frame_bytes) {
  Extents extents;
  extents.index_at = extents.segments_at + counts.segments * kSegmentBytes;
  extents.rows_at = AlignRows(extents.index_at + size_t{counts.index} * kIndexBytes);
  size_t wanted = 0;
  if (__builtin_mul_overflow(size_t{counts.rows}, RowBytes(header.type, header.hidden),
                             &extents.rows_bytes) ||
      __builtin_add_overflow(extents.rows_at, extents.rows_bytes, &wanted)) {
    return Wrong("row count", counts.rows, "a frame that fits into memory");
  }
  if (frame_bytes != wanted) return Wrong("size", frame_bytes, std::to_string(wanted));
  return extents;
}

Status CheckChecksum(Bytes bytes) {
  const auto stated = Load<uint32_t>(bytes, kChecksumAt);
  const uint32_t computed = FrameChecksum(bytes);
  if (stated != computed) {
    return DataLoss("frame: checksum is " + std::to_string(stated) + ", the bytes give " +
                    std::to_string(computed));
  }
  return OkStatus();
}

Status CheckPadding(Bytes bytes, size_t begin, size_t end) {
  const Bytes padding = bytes.subspan(begin, end - begin);
  const bool zero =
      std::all_of(padding.begin(), padding.end(), [](std::byte b) { return b == std::byte{0}; });
  return zero ? OkStatus() : InvalidArgument("frame: padding is not zero");
}

std::vector<Segment> LoadSegments(Bytes bytes, const Counts& counts) {
  std::vector<Segment> segments(counts.segments);
  size_t at = kHeaderBytes;
  for (Segment& segment : segments) {
    segment.expert = ExpertId(Load<uint16_t>(bytes, at));
    segment.status = static_cast<StatusCode>(Load<uint16_t>(bytes, at + 2));
    segment.first = Load<uint32_t>(bytes, at + 4);
    segment.count = Load<uint32_t>(bytes, at + 8);
    at += kSegmentBytes;
  }
  return segments;
}

// Segments follow one another, cover [0, total), and name no expert twice.
Status CheckCover(const std::vector<Segment>& segments, uint32_t total) {
  uint64_t next = 0;
  for (size_t index = 0; index < segments.size(); ++index) {
    const Segment& segment = segments[index];
    if (segment.first != next) return Wrong("segment start", segment.first, std::to_string(next));
    next += segment.count;
    if (next > total) return Wrong("segment end", next, "at most " + std::to_string(total));
    const auto same = [&](const Segment& other) { return other.expert == segment.expert; };
    if (std::any_of(segments.begin(), segments.begin() + static_cast<ptrdiff_t>(index), same)) {
      return Wrong("expert", segment.expert.value(), "each expert once");
    }
  }
  if (next != total) return Wrong("rows in segments", next, std::to_string(total));
  return OkStatus();
}

Status CheckCallSegments(const std::vector<Segment>& segments, const Counts& counts) {
  for (const Segment& segment : segments) {
    if (segment.status != StatusCode::kOk) {
      return Wrong("segment status", static_cast<uint64_t>(segment.status), "0 in a call");
    }
    if (segment.count == 0 || segment.count > counts.rows) {
      return Wrong("segment count", segment.count, "1 to " + std::to_string(counts.rows));
    }
  }
  return CheckCover(segments, counts.index);
}

Status CheckReplySegments(const std::vector<Segment>& segments, const Counts& counts) {
  for (const Segment& segment : segments) {
    const auto code = static_cast<uint64_t>(segment.status);
    if (code > static_cast<uint64_t>(StatusCode::kUnauthenticated)) {
      return Wrong("segment status", code, "a status code");
    }
    if ((segment.status == StatusCode::kOk) != (segment.count != 0)) {
      return Wrong("segment count", segment.count, "rows if and only if the status is OK");
    }
  }
  return CheckCover(segments, counts.rows);
}

StatusOr<std::vector<uint32_t>> LoadRowIndex(Bytes bytes, size_t at, const Counts& counts) {
  std::vector<uint32_t> row_index(counts.index);
  for (uint32_t& row : row_index) {
    row = Load<uint32_t>(bytes, at);
    if (row >= counts.rows) return Wrong("row index", row, "below " + std::to_string(counts.rows));
    at += kIndexBytes;
  }
  return row_index;
}

// The part that both kinds share: everything up to the meaning of the segments.
StatusOr<Extents> CheckFrame(Bytes bytes, uint8_t kind, const FrameLimits& limits) {
  RETURN_IF_ERROR(CheckStart(bytes, kind));
  const FrameHeader header = LoadHeader(bytes);
  RETURN_IF_ERROR(CheckModel(header, limits));
  const Counts counts = LoadCounts(bytes);
  RETURN_IF_ERROR(CheckCounts(counts, limits));
  ASSIGN_OR_RETURN(const Extents extents, CheckSizes(counts, header, bytes.size()));
  RETURN_IF_ERROR(CheckChecksum(bytes));
  const size_t tables_end = extents.index_at + size_t{counts.index} * kIndexBytes;
  RETURN_IF_ERROR(CheckPadding(bytes, tables_end, extents.rows_at));
  return extents;
}

}  // namespace

StatusOr<CallFrame> DecodeCall(std::span<const std::byte> bytes, const FrameLimits& limits) {
  ASSIGN_OR_RETURN(const Extents extents, CheckFrame(bytes, kCallKind, limits));
  const Counts counts = LoadCounts(bytes);
  if (const auto queued = Load<uint32_t>(bytes, kQueuedRowsAt); queued != 0) {
    return Wrong("queued rows", queued, "0 in a call");
  }
  CallFrame frame;
  frame.header = LoadHeader(bytes);
  frame.budget = Microseconds(Load<uint32_t>(bytes, kTimeAt));
  frame.segments = LoadSegments(bytes, counts);
  RETURN_IF_ERROR(CheckCallSegments(frame.segments, counts));
  // Queues count entries of the index: whoever sends rows must want them.
  if (counts.rows > counts.index) {
    return Wrong("row count", counts.rows,
                 "at most " + std::to_string(counts.index) + " in a call");
  }
  ASSIGN_OR_RETURN(frame.row_index, LoadRowIndex(bytes, extents.index_at, counts));
  frame.row_count = counts.rows;
  frame.rows = bytes.subspan(extents.rows_at, extents.rows_bytes);
  return frame;
}

StatusOr<ReplyFrame> DecodeReply(std::span<const std::byte> bytes, const FrameLimits& limits) {
  ASSIGN_OR_RETURN(const Extents extents, CheckFrame(bytes, kReplyKind, limits));
  const Counts counts = LoadCounts(bytes);
  if (counts.index != 0) return Wrong("index count", counts.index, "0 in a reply");
  ReplyFrame frame;
  frame.header = LoadHeader(bytes);
  frame.service = Microseconds(Load<uint32_t>(bytes, kTimeAt));
  frame.queued_rows = Load<uint32_t>(bytes, kQueuedRowsAt);
  frame.segments = LoadSegments(bytes, counts);
  RETURN_IF_ERROR(CheckReplySegments(frame.segments, counts));
  frame.row_count = counts.rows;
  frame.rows = bytes.subspan(extents.rows_at, extents.rows_bytes);
  return frame;
}

size_t MaxFrameBytes(const FrameLimits& limits) {
  const size_t tables = kHeaderBytes + size_t{limits.max_segments} * kSegmentBytes +
                        size_t{limits.max_rows} * kIndexBytes;
  return AlignRows(tables) + size_t{limits.max_rows} * RowBytes(RowType::kF32, limits.hidden);
}

}  // namespace windrose::wire
