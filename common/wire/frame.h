// The frame: one dispatch of rows to an expert worker, or its reply.
//
// Used by coordinator and worker. Encoding and decoding are pure; every offset and count of a
// received frame is checked before it is used, so that a hostile peer costs an error and nothing
// else. Thread-safe (free functions on values).
//
//   call   = header segment* row_index* padding row*
//   reply  = header segment* padding row*
//   header = 64 bytes, little-endian:
//     0  u32 magic 'WRF1'        4  u8 kind (1 call, 2 reply)   5  u8 arithmetic
//     6  u16 segment_count       8  u64 model_hash (first half) 16  u64 epoch
//    24  u64 dispatch_id        32  u32 attempt                 36  u32 layer
//    40  u32 row_count          44  u32 index_count             48  u32 hidden
//    52  u32 budget_us (call: time left; reply: service time)   56  u32 queued_rows (reply)
//    60  u32 checksum: low half of XXH3-64 over the frame with this field zero
//   arithmetic: low half the rows' dtype (1 f32, 2 bf16), high half the order of products with
//            packed bf16 (Bf16Order)
//   segment = u16 expert, u16 status, u32 first, u32 count      (12 bytes)
//     call : its rows are row_index[first .. first + count); status is 0
//     reply: its outputs are rows [first .. first + count); status is a StatusCode, 0 is OK;
//            a segment with another status has count 0
//     Segments follow one another without gap or overlap and cover all of row_index (call) or all
//     rows (reply). An expert stands in one segment at most.
//   row_index = u32, position of a row in this frame's rows: a row that two experts of one worker
//            want is sent once; no fewer entries than rows. Absent from replies: outputs stand in
//            segment order.
//   padding = zero bytes up to a multiple of 64
//   row    = hidden values of dtype
// Fields that a kind does not use are zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "common/tensor/bf16_order.h"

namespace windrose::wire {

enum class RowType : uint8_t { kF32 = 1, kBf16 = 2 };

// Limits on what is accepted from a peer.
struct FrameLimits {
  uint32_t max_rows = 4096;    // rows in a frame, and entries of its row index
  uint32_t max_segments = 64;  // experts in a frame
  uint32_t hidden = 0;         // the model's; frames with another are refused
  uint64_t model_hash = 0;     // likewise
};

size_t RowBytes(RowType type, size_t hidden);

struct Segment {
  ExpertId expert;
  StatusCode status = StatusCode::kOk;  // replies only
  uint32_t first = 0;
  uint32_t count = 0;
};

// What both kinds share: the id of the exchange and the shape.
struct FrameHeader {
  RowType type = RowType::kF32;
  Bf16Order order = Bf16Order::kPairs;  // what the coordinator computes in
  uint64_t model_hash = 0;
  uint64_t epoch = 0;
  DispatchId dispatch_id;
  uint32_t attempt = 0;
  LayerIndex layer;
  uint32_t hidden = 0;
};

// Rows for the experts of one worker. `rows` is a view of the decoded frame, or of what will be
// encoded.
struct CallFrame {
  FrameHeader header;
  Duration budget{};  // time left to answer; relative, so that clocks need not agree
  std::vector<Segment> segments;
  std::vector<uint32_t> row_index;  // see the grammar
  uint32_t row_count = 0;
  std::span<const std::byte> rows;  // [row_count, hidden] of header.type
};

// The experts' outputs, unweighted, in segment order.
struct ReplyFrame {
  FrameHeader header;
  Duration service{};        // time from arrival to answer at the worker
  uint32_t queued_rows = 0;  // waiting at the worker when it answered
  std::vector<Segment> segments;
  uint32_t row_count = 0;
  std::span<const std::byte> rows;  // [row_count, hidden] of header.type
};

// Appends rows[row_numbers[i]] of a [*, hidden] f32 matrix, converted to `type`, to `bytes`.
// bf16 rounds to nearest, ties to even.
void AppendRows(std::span<const float> matrix, size_t hidden, std::span<const uint32_t> row_numbers,
                RowType type, std::vector<std::byte>& bytes);

// Converts row `row` of `rows` to f32; `out` is [hidden].
void ReadRow(std::span<const std::byte> rows, RowType type, size_t row, std::span<float> out);

// Converts `values` [hidden] to `type` as row `row` of `rows`.
void WriteRow(std::span<const float> values, RowType type, size_t row, std::span<std::byte> rows);

// False when a value of `rows` is an infinity or not a number.
bool AllFinite(std::span<const std::byte> rows, RowType type);

// Bytes of the largest frame that `limits` let through.
size_t MaxFrameBytes(const FrameLimits& limits);

// The frame's bytes, ready to send. The frame must be well formed (checked: our bug otherwise).
std::vector<std::byte> Encode(const CallFrame& frame);
std::vector<std::byte> Encode(const ReplyFrame& frame);

// The frame in `bytes`, whose rows it then views. INVALID_ARGUMENT names the field that is wrong;
// FAILED_PRECONDITION for another model; DATA_LOSS for a wrong checksum.
StatusOr<CallFrame> DecodeCall(std::span<const std::byte> bytes, const FrameLimits& limits);
StatusOr<ReplyFrame> DecodeReply(std::span<const std::byte> bytes, const FrameLimits& limits);

}  // namespace windrose::wire
