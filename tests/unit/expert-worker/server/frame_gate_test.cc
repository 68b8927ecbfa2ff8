#include "expert-worker/server/frame_gate.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

namespace windrose {
namespace {

constexpr uint32_t kHidden = 4;
constexpr uint64_t kModel = 99;
constexpr TimePoint kNow = TimePoint(Seconds(10));

FrameGateLimits Limits() {
  FrameGateLimits limits;
  limits.frames = {.max_rows = 16, .max_segments = 8, .hidden = kHidden, .model_hash = kModel};
  limits.layer_count = 3;
  limits.max_budget = Seconds(2);
  return limits;
}

struct CallShape {
  uint32_t layer = 0;
  Duration budget = Milliseconds(5);
  float value = 1;
  uint64_t model = kModel;
  wire::RowType type = wire::RowType::kF32;
};

std::vector<std::byte> Bytes(const CallShape& shape) {
  const std::vector<float> values(kHidden, shape.value);
  const std::vector<uint32_t> numbers = {0};
  std::vector<std::byte> rows;
  wire::AppendRows(values, kHidden, numbers, shape.type, rows);
  const wire::CallFrame call = {.header = {.type = shape.type,
                                           .model_hash = shape.model,
                                           .layer = LayerIndex(shape.layer),
                                           .hidden = kHidden},
                                .budget = shape.budget,
                                .segments = {{.expert = ExpertId(1), .first = 0, .count = 1}},
                                .row_index = {0},
                                .row_count = 1,
                                .rows = rows};
  return wire::Encode(call);
}

StatusOr<GatedCall> Gate(const std::vector<std::byte>& bytes) {
  return GateFrame(bytes, nullptr, CallerId(7), kNow, Limits());
}

TEST(FrameGate, LetsAGoodCallThrough) {
  const std::vector<std::byte> bytes = Bytes({.layer = 2});
  const StatusOr<GatedCall> gated = Gate(bytes);
  ASSERT_TRUE(gated.ok()) << ToString(gated.status());
  EXPECT_EQ(gated->refusal, StatusCode::kOk);
  EXPECT_EQ(gated->call.caller, CallerId(7));
  EXPECT_EQ(gated->call.arrived, kNow);
  EXPECT_EQ(gated->call.deadline, kNow + Milliseconds(5));
  EXPECT_EQ(gated->call.row_count(), 1U);
}

TEST(FrameGate, LayerThatDoesNotExistIsRefused) {
  EXPECT_EQ(Gate(Bytes({.layer = 3}))->refusal, StatusCode::kInvalidArgument);
  EXPECT_EQ(Gate(Bytes({.layer = 0xFFFFFFFF}))->refusal, StatusCode::kInvalidArgument);
}

TEST(FrameGate, ValuesThatAreNotFiniteAreRefused) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const wire::RowType type : {wire::RowType::kF32, wire::RowType::kBf16}) {
    for (const float value : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
      EXPECT_EQ(Gate(Bytes({.value = value, .type = type}))->refusal, StatusCode::kInvalidArgument);
    }
    EXPECT_EQ(Gate(Bytes({.value = 1e38F, .type = type}))->refusal, StatusCode::kOk);
    EXPECT_EQ(Gate(Bytes({.value = 1e-42F, .type = type}))->refusal, StatusCode::kOk);
  }
}

TEST(FrameGate, CallWithoutTimeLeftIsRefused) {
  EXPECT_EQ(Gate(Bytes({.budget = Duration{}}))->refusal, StatusCode::kDeadlineExceeded);
}

TEST(FrameGate, EndlessBudgetIsShortened) {
  const StatusOr<GatedCall> gated = Gate(Bytes({.budget = Seconds(4000)}));
  EXPECT_EQ(gated->call.deadline, kNow + Seconds(2));
}

TEST(FrameGate, AnotherModelEndsTheStream) {
  EXPECT_EQ(Gate(Bytes({.model = 98})).status().code(), StatusCode::kFailedPrecondition);
}

TEST(FrameGate, BytesThatAreNoFrameEndTheStream) {
  EXPECT_EQ(Gate({}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Gate(std::vector<std::byte>(500)).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace windrose
