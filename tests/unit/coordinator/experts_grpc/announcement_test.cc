#include "coordinator/experts_grpc/announcement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace windrose {
namespace {

using ::testing::ElementsAre;

expert::v1::WorkerStatus GoodStatus() {
  expert::v1::WorkerStatus status;
  status.set_protocol_version(1);
  status.set_model_hash("abc");
  status.set_incarnation(9);
  status.set_state(expert::v1::WORKER_STATE_READY);
  status.add_experts(6);
  status.add_experts(2);
  status.set_expert_count(8);
  status.set_max_rows(100);
  return status;
}

StatusCode CodeOf(const expert::v1::WorkerStatus& status) {
  return ReadStatus(status, "host:1", "abc").status().code();
}

TEST(Announcement, DescribesTheWorker) {
  const StatusOr<Announcement> read = ReadStatus(GoodStatus(), "host:1", "abc");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->state, AnnouncedState::kReady);
  EXPECT_EQ(read->description.address, "host:1");
  EXPECT_EQ(read->description.incarnation, 9U);
  EXPECT_EQ(read->description.max_rows, 100U);
  EXPECT_THAT(read->description.experts, ElementsAre(ExpertId(2), ExpertId(6)));
}

TEST(Announcement, AnotherProtocolOrModelIsNotOurs) {
  auto status = GoodStatus();
  status.set_protocol_version(2);
  EXPECT_EQ(CodeOf(status), StatusCode::kFailedPrecondition);
  status = GoodStatus();
  status.set_model_hash("abd");
  EXPECT_EQ(CodeOf(status), StatusCode::kFailedPrecondition);
}

TEST(Announcement, StateMustBeOneWeKnow) {
  auto status = GoodStatus();
  for (const int state : {0, 4, -1, 1000}) {
    status.set_state(static_cast<expert::v1::WorkerState>(state));
    EXPECT_EQ(CodeOf(status), StatusCode::kInvalidArgument) << state;
  }
}

TEST(Announcement, ExpertsMustExistAndBeNamedOnce) {
  auto status = GoodStatus();
  status.add_experts(8);
  EXPECT_EQ(CodeOf(status), StatusCode::kInvalidArgument);
  status = GoodStatus();
  status.add_experts(2);
  EXPECT_EQ(CodeOf(status), StatusCode::kInvalidArgument);
}

TEST(Announcement, WorkerMustAcceptRows) {
  auto status = GoodStatus();
  status.set_max_rows(0);
  EXPECT_EQ(CodeOf(status), StatusCode::kInvalidArgument);
}

TEST(Announcement, SameDescriptionComparesAll) {
  const WorkerDescription description = {"a", 1, {ExpertId(1)}, 5};
  EXPECT_TRUE(SameDescription(description, description));
  for (const WorkerDescription& other :
       {WorkerDescription{"b", 1, {ExpertId(1)}, 5}, WorkerDescription{"a", 2, {ExpertId(1)}, 5},
        WorkerDescription{"a", 1, {ExpertId(2)}, 5}, WorkerDescription{"a", 1, {ExpertId(1)}, 6}}) {
    EXPECT_FALSE(SameDescription(description, other));
  }
}

}  // namespace
}  // namespace windrose
