// Bytes on the worker's raw stream that no coordinator of ours would send.
#include <grpc/support/time.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/net/grpc_settings.h"
#include "common/wire/grpc_bytes.h"
#include "tests/integration/expert_link/running_worker.h"
#include "tests/integration/expert_link/test_coordinator.h"

namespace windrose {
namespace {

constexpr const char* kFrames = "/windrose.expert.v1.ExpertData/Frames";

// Sends one message on a new stream and returns how the stream ends.
grpc::Status SendAlone(const std::string& address, const std::string& method,
                       std::vector<std::byte> message) {
  GrpcSettings settings;
  settings.message_bytes = 256 << 20;
  grpc::GenericStub stub(MakeGrpcChannel(address, settings));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto stream = stub.PrepareCall(&context, method, &queue);
  void* tag = nullptr;
  bool ok = false;
  stream->StartCall(nullptr);
  queue.Next(&tag, &ok);
  const grpc::ByteBuffer sent = wire::ToByteBuffer(std::move(message));
  stream->Write(sent, nullptr);
  queue.Next(&tag, &ok);
  grpc::Status status;
  stream->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  return status;
}

std::vector<std::byte> GoodCall() {
  const uint32_t hidden = TinyModel::Get().config().hidden;
  const std::vector<std::byte> rows(wire::RowBytes(wire::RowType::kF32, hidden));
  wire::CallFrame call;
  call.header.model_hash = TinyModel::Get().checkpoint().model_hash_prefix();
  call.header.hidden = hidden;
  call.budget = Seconds(1);
  call.segments = {{.expert = ExpertId(0), .first = 0, .count = 1}};
  call.row_index = {0};
  call.row_count = 1;
  call.rows = rows;
  return wire::Encode(call);
}

class HostileStream : public ::testing::Test {
 protected:
  HostileStream() {
    coordinator_.SetAddresses({worker_.address()});
    EXPECT_TRUE(coordinator_.AwaitUp());
  }
  // An honest coordinator is served before and after, on the link it had.
  ~HostileStream() override {
    coordinator_.Call(1, LayerIndex(0), ExpertId(0), TestRows(1, 1));
    EXPECT_TRUE(coordinator_.AwaitReplies(1));
    EXPECT_TRUE(coordinator_.downs.empty());
  }
  grpc::StatusCode CodeFor(std::vector<std::byte> message) {
    return SendAlone(worker_.address(), kFrames, std::move(message)).error_code();
  }

  RunningWorker worker_{RunningWorkerOptions{}};
  TestCoordinator coordinator_;
};

TEST_F(HostileStream, EmptyMessageEndsTheStream) {
  EXPECT_EQ(CodeFor({}), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(HostileStream, NoiseEndsTheStream) {
  std::vector<std::byte> noise(10'000);
  for (size_t index = 0; index < noise.size(); ++index) {
    noise[index] = static_cast<std::byte>(BitsAt(4, index));
  }
  EXPECT_EQ(CodeFor(noise), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(HostileStream, TruncatedFrameEndsTheStream) {
  std::vector<std::byte> frame = GoodCall();
  frame.resize(frame.size() - 4);
  EXPECT_EQ(CodeFor(frame), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(HostileStream, FlippedBitEndsTheStream) {
  std::vector<std::byte> frame = GoodCall();
  frame.back() ^= std::byte{4};
  EXPECT_EQ(CodeFor(frame), grpc::StatusCode::DATA_LOSS);
}

TEST_F(HostileStream, FrameOfAnotherModelEndsTheStream) {
  std::vector<std::byte> frame = GoodCall();
  frame[8] ^= std::byte{1};
  EXPECT_EQ(CodeFor(frame), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(HostileStream, MessageAboveTheLimitIsRefused) {
  EXPECT_EQ(CodeFor(std::vector<std::byte>(8 << 20)), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST(LinkLimit, OneStreamMoreIsRefusedAndTheOthersStay) {
  RunningWorker worker({.max_links = 1});
  TestCoordinator coordinator;
  coordinator.SetAddresses({worker.address()});
  ASSERT_TRUE(coordinator.AwaitUp());
  EXPECT_EQ(SendAlone(worker.address(), kFrames, GoodCall()).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  coordinator.Call(1, LayerIndex(0), ExpertId(0), TestRows(1, 1));
  EXPECT_TRUE(coordinator.AwaitReplies(1));
  EXPECT_TRUE(coordinator.downs.empty());
}

TEST(UnsentLimit, CoordinatorThatNeverReadsIsCut) {
  RunningWorker worker({.max_unsent_bytes = 1 << 16});
  grpc::GenericStub stub(MakeGrpcChannel(worker.address(), GrpcSettings()));
  grpc::ClientContext context;
  const gpr_timespec deadline =
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(20, GPR_TIMESPAN));
  context.set_deadline(deadline);
  grpc::CompletionQueue queue;
  const auto stream = stub.PrepareCall(&context, kFrames, &queue);
  void* tag = nullptr;
  bool ok = false;
  stream->StartCall(nullptr);
  queue.Next(&tag, &ok);
  // Answers of many rows fill what gRPC keeps on the way, then what the worker may keep.
  const OutgoingCall call =
      TestCoordinator::MakeCall(WorkerId(0), 1, LayerIndex(0), ExpertId(0), TestRows(1, 64));
  while (ok) {
    stream->Write(wire::ToByteBuffer(wire::Encode(call.call)), nullptr);
    queue.Next(&tag, &ok);
  }
  EXPECT_LT(gpr_time_cmp(gpr_now(GPR_CLOCK_MONOTONIC), deadline), 0) << "it was not cut";
  // How it ended is told behind what is not yet read.
  grpc::ByteBuffer unread;
  do {
    stream->Read(&unread, nullptr);
    queue.Next(&tag, &ok);
  } while (ok);
  grpc::Status status;
  stream->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(HostileStream, UnknownMethodIsUnimplemented) {
  EXPECT_EQ(
      SendAlone(worker_.address(), "/windrose.expert.v1.ExpertData/Other", GoodCall()).error_code(),
      grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace windrose
