#include "router/proxy/replay_policy.h"

#include <gtest/gtest.h>

#include <string>

#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

Status Coded(StatusCode code, const std::string& word) {
  return WithDetail(Status(code, "why"), ErrorDetail{.code = word});
}

TEST(ReplayPolicy, GoesOnElsewhereWhenTheConnectionDied) {
  for (const StatusCode code :
       {StatusCode::kUnavailable, StatusCode::kCancelled, StatusCode::kInternal,
        StatusCode::kUnknown, StatusCode::kAborted, StatusCode::kDataLoss}) {
    EXPECT_EQ(ClassifyFailure(Status(code, ""), false), FailureAction::kReplay) << code;
  }
}

TEST(ReplayPolicy, FailsForWhatNoOtherCoordinatorWouldAnswer) {
  for (const StatusCode code :
       {StatusCode::kInvalidArgument, StatusCode::kDeadlineExceeded, StatusCode::kNotFound,
        StatusCode::kAlreadyExists, StatusCode::kPermissionDenied, StatusCode::kFailedPrecondition,
        StatusCode::kOutOfRange, StatusCode::kUnimplemented, StatusCode::kUnauthenticated}) {
    EXPECT_EQ(ClassifyFailure(Status(code, ""), false), FailureAction::kFail) << code;
  }
}

TEST(ReplayPolicy, AsksAnotherWhenOneRefusesForNow) {
  EXPECT_EQ(ClassifyFailure(ResourceExhausted(""), false), FailureAction::kTryOther);
  for (const char* word : {"draining", "model_loading", "server_overloaded"}) {
    // The word decides, whatever the code.
    EXPECT_EQ(ClassifyFailure(Coded(StatusCode::kUnavailable, word), false),
              FailureAction::kTryOther);
    EXPECT_EQ(ClassifyFailure(Coded(StatusCode::kInvalidArgument, word), false),
              FailureAction::kTryOther);
  }
}

TEST(ReplayPolicy, AsksOneWithEveryExpertWhenOneIsLost) {
  EXPECT_EQ(ClassifyFailure(Coded(StatusCode::kUnavailable, "expert_unavailable"), false),
            FailureAction::kTryReady);
}

TEST(ReplayPolicy, AsksAnotherWhenARunningAnswerHasNoRoom) {
  const Status too_long = BadField("messages", "context_length_exceeded", "why");
  const Status too_many = BadField("resume_tokens", "invalid_value", "why");
  for (const Status& status : {too_long, too_many}) {
    EXPECT_EQ(ClassifyFailure(status, false), FailureAction::kFail);
    EXPECT_EQ(ClassifyFailure(status, true), FailureAction::kTryOther);
  }
}

TEST(ReplayPolicy, BelievesACoordinatorThatSaysWhatIsWrong) {
  EXPECT_EQ(ClassifyFailure(Coded(StatusCode::kInternal, "anything"), false), FailureAction::kFail);
  // A detail without a word, as of a field that is wrong, says nothing about the connection.
  EXPECT_EQ(ClassifyFailure(Coded(StatusCode::kUnavailable, ""), false), FailureAction::kReplay);
}

}  // namespace
}  // namespace windrose::router
