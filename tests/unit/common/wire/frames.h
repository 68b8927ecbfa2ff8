// Frames for the tests of common/wire: small, valid, with every field different from its default.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/wire/frame.h"
#include "common/wire/frame_layout.h"

namespace windrose::wire {

inline constexpr uint32_t kTestHidden = 3;
inline constexpr uint64_t kTestModel = 0x1122334455667788;

inline FrameLimits TestLimits() {
  return {.max_rows = 8, .max_segments = 4, .hidden = kTestHidden, .model_hash = kTestModel};
}

inline FrameHeader TestHeader(RowType type) {
  return {.type = type,
          .order = Bf16Order::kBlocks,
          .model_hash = kTestModel,
          .epoch = 7,
          .dispatch_id = DispatchId(0x0102030405060708),
          .attempt = 3,
          .layer = LayerIndex(5),
          .hidden = kTestHidden};
}

// `count` rows of small numbers, in `type`.
inline std::vector<std::byte> TestRows(RowType type, uint32_t count) {
  std::vector<float> matrix(size_t{count} * kTestHidden);
  for (size_t index = 0; index < matrix.size(); ++index) {
    matrix[index] = 0.5F * static_cast<float>(index) - 1.0F;
  }
  std::vector<uint32_t> numbers(count);
  for (uint32_t row = 0; row < count; ++row) numbers[row] = row;
  std::vector<std::byte> rows;
  AppendRows(matrix, kTestHidden, numbers, type, rows);
  return rows;
}

// Two experts, three rows; row 1 goes to both.
inline CallFrame TestCall(RowType type, std::span<const std::byte> rows) {
  return {.header = TestHeader(type),
          .budget = Microseconds(1500),
          .segments = {{.expert = ExpertId(2), .first = 0, .count = 3},
                       {.expert = ExpertId(6), .first = 3, .count = 1}},
          .row_index = {0, 1, 2, 1},
          .row_count = 3,
          .rows = rows};
}

// Two rows of expert 2; expert 6 is refused.
inline ReplyFrame TestReply(RowType type, std::span<const std::byte> rows) {
  return {.header = TestHeader(type),
          .service = Microseconds(90),
          .queued_rows = 11,
          .segments = {{.expert = ExpertId(2), .first = 0, .count = 2},
                       {.expert = ExpertId(6),
                        .status = StatusCode::kFailedPrecondition,
                        .first = 2,
                        .count = 0}},
          .row_count = 2,
          .rows = rows};
}

// Makes a frame that was tampered with pass the checksum, so that the check behind it is reached.
inline void Reseal(std::vector<std::byte>& bytes) {
  Store<uint32_t>(bytes, kChecksumAt, FrameChecksum(bytes));
}

}  // namespace windrose::wire
