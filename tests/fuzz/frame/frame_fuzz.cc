// Any bytes, decoded as a call and as a reply, as they are and with a right checksum: no error of
// memory or arithmetic, and what decodes encodes back to the same bytes.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/base/check.h"
#include "common/wire/frame.h"
#include "common/wire/frame_layout.h"

namespace windrose::wire {
namespace {

constexpr FrameLimits kLimits = {
    .max_rows = 64, .max_segments = 16, .hidden = 3, .model_hash = 0x1122334455667788};

void Touch(const FrameHeader& header, std::span<const std::byte> rows, uint32_t row_count) {
  std::vector<float> row(header.hidden);
  for (uint32_t index = 0; index < row_count; ++index) ReadRow(rows, header.type, index, row);
  AllFinite(rows, header.type);
}

void Decode(const std::vector<std::byte>& bytes) {
  if (const auto call = DecodeCall(bytes, kLimits); call.ok()) {
    Touch(call->header, call->rows, call->row_count);
    CHECK(Encode(*call) == bytes);
  }
  if (const auto reply = DecodeReply(bytes, kLimits); reply.ok()) {
    Touch(reply->header, reply->rows, reply->row_count);
    CHECK(Encode(*reply) == bytes);
  }
}

}  // namespace
}  // namespace windrose::wire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  std::vector<std::byte> bytes(input.begin(), input.end());
  windrose::wire::Decode(bytes);
  if (bytes.size() >= windrose::wire::kHeaderBytes) {
    windrose::wire::Store<uint32_t>(bytes, windrose::wire::kChecksumAt,
                                    windrose::wire::FrameChecksum(bytes));
    windrose::wire::Decode(bytes);
  }
  return 0;
}
