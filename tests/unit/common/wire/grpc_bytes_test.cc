#include "common/wire/grpc_bytes.h"

#include <grpcpp/support/slice.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace windrose::wire {
namespace {

std::vector<std::byte> SomeBytes(size_t count) {
  std::vector<std::byte> bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i * 7 % 251);
  return bytes;
}

// As gRPC gives a message that came in pieces.
grpc::ByteBuffer InPieces(const std::vector<std::byte>& bytes, size_t piece) {
  std::vector<grpc::Slice> slices;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    slices.emplace_back(bytes.data() + at, std::min(piece, bytes.size() - at));
  }
  return {slices.data(), slices.size()};
}

std::vector<std::byte> Copy(const ReceivedBytes& received) {
  return {received.bytes.begin(), received.bytes.end()};
}

TEST(GrpcBytes, TakesAVectorOverAndGivesItBack) {
  std::vector<std::byte> bytes = SomeBytes(100'000);
  const std::vector<std::byte> wanted = bytes;
  const std::byte* const place = bytes.data();
  grpc::ByteBuffer buffer = ToByteBuffer(std::move(bytes));
  EXPECT_EQ(buffer.Length(), wanted.size());
  const StatusOr<ReceivedBytes> received = Gather(buffer, wanted.size());
  ASSERT_TRUE(received.ok());
  EXPECT_EQ(received->bytes.data(), place);  // not copied
  EXPECT_EQ(Copy(*received), wanted);
  EXPECT_EQ(buffer.Length(), 0U);
}

TEST(GrpcBytes, BytesLiveAsLongAsTheirOwner) {
  // The shortest stand inside gRPC's own handle, not on the heap.
  for (const size_t size : {1U, 8U, 23U, 24U, 5000U}) {
    ReceivedBytes kept;
    {
      const std::vector<std::byte> bytes = SomeBytes(size);
      grpc::ByteBuffer buffer = InPieces(bytes, size);
      kept = *Gather(buffer, size);
    }
    EXPECT_EQ(Copy(kept), SomeBytes(size)) << size;
  }
}

TEST(GrpcBytes, JoinsPiecesInOrder) {
  const std::vector<std::byte> bytes = SomeBytes(10'000);
  for (const size_t piece : {1U, 7U, 4096U, 9999U}) {
    grpc::ByteBuffer buffer = InPieces(bytes, piece);
    EXPECT_EQ(Copy(*Gather(buffer, bytes.size())), bytes) << piece;
    EXPECT_EQ(buffer.Length(), 0U);
  }
}

TEST(GrpcBytes, RefusesTheByteAboveTheLimit) {
  for (const size_t piece : {100U, 101U}) {
    grpc::ByteBuffer buffer = InPieces(SomeBytes(101), piece);
    EXPECT_EQ(Gather(buffer, 100).status().code(), StatusCode::kResourceExhausted);
    EXPECT_TRUE(Gather(buffer, 101).ok());
  }
}

TEST(GrpcBytes, AnEmptyMessageIsOneOfNoBytes) {
  grpc::ByteBuffer buffer = ToByteBuffer({});
  const StatusOr<ReceivedBytes> received = Gather(buffer, 0);
  ASSERT_TRUE(received.ok());
  EXPECT_TRUE(received->bytes.empty());
}

}  // namespace
}  // namespace windrose::wire
