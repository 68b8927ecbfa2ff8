// Between frames and gRPC's buffers: no copy out, at most one in.
//
// A library of its own (common_wire_grpc), so that whoever only needs frames links no gRPC. Values
// and pure functions; thread-safe.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "common/base/status.h"

namespace windrose::wire {

// A received message in one piece. `owner` keeps `bytes` alive.
struct ReceivedBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

// A buffer that takes the vector over and gives its memory back when gRPC has sent it.
grpc::ByteBuffer ToByteBuffer(std::vector<std::byte> bytes);

// The message in `buffer`, which is empty afterwards. Copied only when gRPC received it in several
// pieces. RESOURCE_EXHAUSTED when it is longer than `max_bytes`.
StatusOr<ReceivedBytes> Gather(grpc::ByteBuffer& buffer, size_t max_bytes);

}  // namespace windrose::wire
