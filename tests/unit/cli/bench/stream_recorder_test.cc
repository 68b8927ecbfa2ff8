#include "cli/bench/stream_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scripted_client.h"

namespace windrose::cli {
namespace {

using testing::ElementsAre;

const char kPiece[] = R"({"choices":[{"text":"x"}]})";
const char kFinish[] = R"({"choices":[{"text":"","finish_reason":"length"}]})";
const char kUsage[] = R"({"choices":[],"usage":{"prompt_tokens":16,"completion_tokens":5}})";

TEST(StreamRecorder, TakesTheTimeOfEachPiece) {
  StreamRecorder recorder(16, At(100));
  recorder.OnEvent(kPiece, At(130));
  recorder.OnEvent(kPiece, At(140));
  recorder.OnEvent(kPiece, At(155));
  recorder.OnEvent(kFinish, At(156));
  recorder.OnEvent(kUsage, At(157));
  recorder.OnEvent("[DONE]", At(158));
  EXPECT_EQ(recorder.pieces(), 3U);
  const StreamRecord record = recorder.Finish(OkStatus(), At(160));
  EXPECT_EQ(record.outcome, Outcome::kOk);
  EXPECT_EQ(record.begin, At(100));
  EXPECT_EQ(record.first_piece, At(130));
  EXPECT_EQ(record.last_piece, At(155));
  EXPECT_EQ(record.end, At(160));
  EXPECT_THAT(record.gaps, ElementsAre(Milliseconds(10), Milliseconds(15)));
}

TEST(StreamRecorder, PrefersTheServersCountToItsOwn) {
  StreamRecorder recorder(99, At(0));
  recorder.OnEvent(kPiece, At(1));
  recorder.OnEvent(kUsage, At(2));
  recorder.OnEvent("[DONE]", At(3));
  const StreamRecord record = recorder.Finish(OkStatus(), At(4));
  EXPECT_TRUE(record.is_counted);
  EXPECT_EQ(record.prompt_tokens, 16U);
  EXPECT_EQ(record.generated_tokens, 5U);
}

TEST(StreamRecorder, CountsPiecesWhenTheServerDoesNotSay) {
  StreamRecorder recorder(16, At(0));
  recorder.OnEvent(kPiece, At(1));
  recorder.OnEvent(kPiece, At(2));
  recorder.OnEvent("[DONE]", At(3));
  const StreamRecord record = recorder.Finish(OkStatus(), At(4));
  EXPECT_FALSE(record.is_counted);
  EXPECT_EQ(record.prompt_tokens, 16U);
  EXPECT_EQ(record.generated_tokens, 2U);
}

TEST(StreamRecorder, GivesAnAnswerWithoutTextItsMoment) {
  StreamRecorder recorder(16, At(0));
  recorder.OnEvent(kFinish, At(5));
  recorder.OnEvent("[DONE]", At(6));
  const StreamRecord record = recorder.Finish(OkStatus(), At(6));
  EXPECT_EQ(record.first_piece, At(5));
  EXPECT_THAT(record.gaps, ElementsAre());
}

TEST(StreamRecorder, NeverTakesABrokenAnswerForAWholeOne) {
  StreamRecorder recorder(16, At(0));
  recorder.OnEvent(kPiece, At(1));
  recorder.OnEvent(kFinish, At(2));
  const StreamRecord record = recorder.Finish(OkStatus(), At(3));
  EXPECT_EQ(record.outcome, Outcome::kFailed);
  EXPECT_EQ(record.error, "the answer broke off");
}

TEST(StreamRecorder, PrefersTheStreamsOwnErrorToTheBrokenConnection) {
  StreamRecorder recorder(16, At(0));
  recorder.OnEvent(R"({"error":{"message":"expert 3 is gone"}})", At(1));
  const StreamRecord record = recorder.Finish(DataLoss("connection broke"), At(2));
  EXPECT_EQ(record.outcome, Outcome::kFailed);
  EXPECT_EQ(record.error, "expert 3 is gone");
}

TEST(StreamRecorder, KeepsWhatACutAnswerHadAlready) {
  StreamRecorder recorder(16, At(0));
  recorder.OnEvent(kPiece, At(1));
  recorder.OnEvent(kPiece, At(2));
  const StreamRecord record = recorder.Finish(Cancelled("stopped"), At(3));
  EXPECT_EQ(record.outcome, Outcome::kStopped);
  EXPECT_EQ(record.error, "");
  EXPECT_EQ(record.generated_tokens, 2U);
}

TEST(StreamRecorder, CountsNoPromptThatWasCutBeforeTheFirstPiece) {
  StreamRecorder recorder(16, At(0));
  EXPECT_EQ(recorder.Finish(Cancelled("stopped"), At(3)).prompt_tokens, 0U);
}

}  // namespace
}  // namespace windrose::cli
