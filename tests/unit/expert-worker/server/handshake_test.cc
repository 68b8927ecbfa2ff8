#include "expert-worker/server/handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace windrose {
namespace {

HostedModel Model() {
  return {.model_hash = "abc",
          .model_hash_prefix = 1,
          .layer_count = 2,
          .expert_count = 8,
          .hidden = 16,
          .experts = {ExpertId(1), ExpertId(5)}};
}

expert::v1::JoinRequest Join(uint32_t least, uint32_t most, const std::string& hash) {
  expert::v1::JoinRequest request;
  request.set_protocol_min(least);
  request.set_protocol_max(most);
  request.set_model_hash(hash);
  return request;
}

TEST(Handshake, CoordinatorOfTheSameModelAndProtocolMayJoin) {
  EXPECT_TRUE(CheckJoin(Join(1, 1, "abc"), Model()).ok());
  EXPECT_TRUE(CheckJoin(Join(0, 9, "abc"), Model()).ok());
}

TEST(Handshake, AnotherProtocolIsRefusedWithOurs) {
  for (const auto& request : {Join(2, 3, "abc"), Join(0, 0, "abc")}) {
    const Status status = CheckJoin(request, Model());
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
    EXPECT_THAT(Message(status), testing::HasSubstr("protocol 1"));
  }
}

TEST(Handshake, AnotherModelIsRefusedWithOurs) {
  for (const auto& request : {Join(1, 1, "abd"), Join(1, 1, "")}) {
    const Status status = CheckJoin(request, Model());
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
    EXPECT_THAT(Message(status), testing::HasSubstr("abc"));
  }
}

TEST(Handshake, StatusSaysWhatTheWorkerIs) {
  ExpertServerSettings settings;
  settings.incarnation = 42;
  settings.max_rows = 17;
  const auto status = MakeStatus(settings, Model(), WorkerState::kDraining);
  EXPECT_EQ(status.protocol_version(), 1U);
  EXPECT_EQ(status.model_hash(), "abc");
  EXPECT_EQ(status.incarnation(), 42U);
  EXPECT_EQ(status.state(), expert::v1::WORKER_STATE_DRAINING);
  EXPECT_THAT(status.experts(), testing::ElementsAre(1, 5));
  EXPECT_EQ(status.layer_count(), 2U);
  EXPECT_EQ(status.expert_count(), 8U);
  EXPECT_EQ(status.hidden_size(), 16U);
  EXPECT_EQ(status.max_rows(), 17U);
}

}  // namespace
}  // namespace windrose
