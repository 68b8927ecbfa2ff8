#include "common/wire/grpc_bytes.h"

#include <cstring>
#include <string>
#include <utility>

namespace windrose::wire {
namespace {

ReceivedBytes OwnSlice(grpc::Slice slice) {
  const auto owner = std::make_shared<const grpc::Slice>(std::move(slice));
  // Asked of the owned slice: a short one keeps its bytes inside itself.
  return {std::as_bytes(std::span(owner->begin(), owner->size())), owner};
}

ReceivedBytes Join(const std::vector<grpc::Slice>& slices, size_t size) {
  const std::shared_ptr<std::byte[]> joined = std::make_shared_for_overwrite<std::byte[]>(size);
  std::byte* next = joined.get();
  for (const grpc::Slice& slice : slices) {
    std::memcpy(next, slice.begin(), slice.size());
    next += slice.size();
  }
  return {{joined.get(), size}, joined};
}

}  // namespace

grpc::ByteBuffer ToByteBuffer(std::vector<std::byte> bytes) {
  auto holder = std::make_unique<std::vector<std::byte>>(std::move(bytes));
  void* const data = holder->data();
  const size_t size = holder->size();
  const auto free = [](void* held) {
    std::unique_ptr<std::vector<std::byte>>(static_cast<std::vector<std::byte>*>(held));
  };
  const grpc::Slice slice(data, size, free, holder.release());
  return {&slice, 1};
}

StatusOr<ReceivedBytes> Gather(grpc::ByteBuffer& buffer, size_t max_bytes) {
  const size_t size = buffer.Length();
  if (size > max_bytes) {
    return ResourceExhausted("message of " + std::to_string(size) + " bytes, at most " +
                             std::to_string(max_bytes) + " are accepted");
  }
  grpc::Slice single;
  if (buffer.TrySingleSlice(&single).ok()) {
    buffer.Clear();
    return OwnSlice(std::move(single));
  }
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return InvalidArgument("message cannot be read");
  buffer.Clear();
  return Join(slices, size);
}

}  // namespace windrose::wire
