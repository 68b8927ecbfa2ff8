#include "cli/bench/completion_call.h"

#include <gtest/gtest.h>

#include "cli/chat/api_request.h"
#include "scripted_client.h"

namespace windrose::cli {
namespace {

class MeasureCompletionTest : public testing::Test {
 protected:
  StreamRecord Measure(ScriptedClient::Answer answer) {
    ScriptedClient client(std::move(answer));
    return MeasureCompletion(client, clock_, {ApiFields("key"), "{}", 16}, [this] {
      ++pieces_;
      return pieces_ < limit_;
    });
  }

  HandClock clock_;
  int pieces_ = 0;
  int limit_ = 1000;
};

TEST_F(MeasureCompletionTest, TimesAWholeAnswer) {
  HttpClientRequest sent;
  const StreamRecord record =
      Measure([&](const HttpClientRequest& request, const HttpClient::BodyCallback& on_body) {
        sent = request;
        clock_.Move(Milliseconds(30));
        on_body(PieceEvent("a"));
        clock_.Move(Milliseconds(10));
        on_body(PieceEvent("b"));
        on_body(EndOfStream(16, 2));
        clock_.Move(Milliseconds(1));
        return HttpResponse();
      });
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.target, "/v1/completions");
  EXPECT_EQ(sent.fields.at(1).value, "Bearer key");
  EXPECT_EQ(record.outcome, Outcome::kOk);
  EXPECT_EQ(record.begin, At(0));
  EXPECT_EQ(record.first_piece, At(30));
  EXPECT_EQ(record.last_piece, At(40));
  EXPECT_EQ(record.end, At(41));
  EXPECT_EQ(record.generated_tokens, 2U);
  EXPECT_EQ(pieces_, 2);
}

TEST_F(MeasureCompletionTest, CountsEveryPieceOfOneRead) {
  Measure([](const HttpClientRequest&, const HttpClient::BodyCallback& on_body) {
    on_body(PieceEvent("a") + PieceEvent("b") + PieceEvent("c"));
    return HttpResponse();
  });
  EXPECT_EQ(pieces_, 3);
}

TEST_F(MeasureCompletionTest, GivesTheServersWordsForARefusal) {
  const StreamRecord record =
      Measure([](const HttpClientRequest&, const HttpClient::BodyCallback& on_body) {
        on_body(R"({"error":{"message":)");
        on_body(R"("the queue is full"}})");
        return HttpResponse{.status = 429};
      });
  EXPECT_EQ(record.outcome, Outcome::kFailed);
  EXPECT_EQ(record.error, "HTTP 429: the queue is full");
}

TEST_F(MeasureCompletionTest, PassesOnWhyThereIsNoAnswer) {
  const StreamRecord record =
      Measure([](const HttpClientRequest&, const HttpClient::BodyCallback&) {
        return Unavailable("cannot connect to h:1: refused");
      });
  EXPECT_EQ(record.outcome, Outcome::kFailed);
  EXPECT_EQ(record.error, "cannot connect to h:1: refused");
}

TEST_F(MeasureCompletionTest, CutsTheAnswerWhenTheCallerHasEnough) {
  limit_ = 2;
  const StreamRecord record =
      Measure([](const HttpClientRequest&,
                 const HttpClient::BodyCallback& on_body) -> StatusOr<HttpResponse> {
        for (int piece = 0; piece < 10; ++piece) {
          if (!on_body(PieceEvent("x"))) return Cancelled("the caller stopped reading");
        }
        return HttpResponse();
      });
  EXPECT_EQ(record.outcome, Outcome::kStopped);
  EXPECT_EQ(record.generated_tokens, 2U);
}

}  // namespace
}  // namespace windrose::cli
