#include "common/net/http_exchange.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "tests/support/manual_clock.h"

namespace windrose {
namespace {

using End = HttpExchange::End;

class HttpExchangeTest : public testing::Test {
 protected:
  std::shared_ptr<HttpExchange> Make(HttpExchangeSetup setup = {}) {
    setup.request_id = "id";
    if (setup.buffer_bytes == 0) setup.buffer_bytes = 1000;
    return std::make_shared<HttpExchange>(setup, draining_, clock_, [this] { ++wakes_; });
  }
  // Takes what is there and has it written.
  static std::string Drain(HttpExchange& exchange) {
    const std::string bytes = exchange.Take().bytes;
    exchange.OnWritten();
    return bytes;
  }

  std::atomic<bool> draining_{false};
  const ManualClock clock_{TimePoint(), 784111777};
  int wakes_ = 0;
};

TEST_F(HttpExchangeTest, SendsOneAnswerOnce) {
  const auto exchange = Make();
  exchange->Send({200, {}, "body"});
  exchange->Send({500, {}, "again"});
  EXPECT_FALSE(exchange->Write("late"));
  const HttpExchange::Output output = exchange->Take();
  EXPECT_EQ(output.end, End::kKeepAlive);
  EXPECT_NE(output.bytes.find("Content-Length: 4\r\n"), std::string::npos);
  EXPECT_EQ(output.bytes.substr(output.bytes.size() - 4), "body");
  EXPECT_EQ(output.bytes.find("again"), std::string::npos);
  EXPECT_EQ(wakes_, 1);
}

TEST_F(HttpExchangeTest, SaysWhenItAnswers) {
  const std::string date = "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
  const auto whole = Make();
  whole->Send({200, {}, "body"});
  EXPECT_NE(Drain(*whole).find(date), std::string::npos);
  const auto stream = Make();
  stream->StartStream(200, {});
  EXPECT_NE(Drain(*stream).find(date), std::string::npos);
}

TEST_F(HttpExchangeTest, FramesAStreamInChunks) {
  const auto exchange = Make();
  EXPECT_FALSE(exchange->Write("too early"));
  exchange->StartStream(200, {{"Content-Type", "text/event-stream"}});
  EXPECT_NE(Drain(*exchange).find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_TRUE(exchange->Write("0123456789abcdef0"));
  EXPECT_TRUE(exchange->Write("")) << "an empty chunk would end the stream";
  EXPECT_EQ(Drain(*exchange), "11\r\n0123456789abcdef0\r\n");
  exchange->Finish();
  const HttpExchange::Output output = exchange->Take();
  EXPECT_EQ(output.bytes, "0\r\n\r\n");
  EXPECT_EQ(output.end, End::kKeepAlive);
}

TEST_F(HttpExchangeTest, BreaksAStreamWithoutItsLastChunk) {
  const auto exchange = Make();
  exchange->StartStream(200, {});
  Drain(*exchange);
  exchange->Write("error");
  exchange->Break();
  const HttpExchange::Output output = exchange->Take();
  EXPECT_EQ(output.bytes, "5\r\nerror\r\n");
  EXPECT_EQ(output.end, End::kBreak);
}

TEST_F(HttpExchangeTest, CutsAStreamThatOverflows) {
  const auto exchange = Make();
  int gone = 0;
  exchange->StartStream(200, {});
  Drain(*exchange);
  exchange->OnDisconnect([&] { ++gone; });
  EXPECT_TRUE(exchange->Write(std::string(900, 'a')));
  EXPECT_TRUE(exchange->Write(std::string(200, 'b')));
  EXPECT_FALSE(exchange->Write("c"));
  EXPECT_TRUE(exchange->cut());
  EXPECT_FALSE(exchange->Write("d"));
  exchange->OnGone();
  EXPECT_EQ(gone, 1);
}

TEST_F(HttpExchangeTest, TakesOneChunkThatIsLargerThanTheBuffer) {
  const auto exchange = Make();
  exchange->StartStream(200, {});
  EXPECT_TRUE(exchange->Write(std::string(5000, 'a'))) << "behind the head";
  EXPECT_FALSE(exchange->cut());
  Drain(*exchange);
  EXPECT_TRUE(exchange->Write("b"));
}

TEST_F(HttpExchangeTest, CountsWhatTheSocketHasNotTaken) {
  const auto exchange = Make();
  exchange->StartStream(200, {});
  Drain(*exchange);
  exchange->Write(std::string(1001, 'a'));
  const size_t queued = exchange->pending_bytes();
  EXPECT_GT(queued, 1001u);
  exchange->Take();
  EXPECT_EQ(exchange->pending_bytes(), queued) << "in flight is pending too";
  EXPECT_FALSE(exchange->Write(std::string(600, 'b')));
}

TEST_F(HttpExchangeTest, CallsBackWhenHalfOfTheBufferIsFree) {
  const auto exchange = Make();
  int writable = 0;
  exchange->StartStream(200, {});
  Drain(*exchange);
  exchange->OnWritable([&] { ++writable; });
  EXPECT_EQ(writable, 1) << "at once";
  exchange->Write(std::string(600, 'a'));
  exchange->OnWritable([&] { ++writable; });
  EXPECT_EQ(writable, 1);
  Drain(*exchange);
  EXPECT_EQ(writable, 2);
  exchange->OnWritten();
  EXPECT_EQ(writable, 2) << "once";
}

TEST_F(HttpExchangeTest, TellsOfADisconnectOnceAndOnlyBeforeTheEnd) {
  const auto open = Make();
  int gone = 0;
  open->OnDisconnect([&] { ++gone; });
  open->OnGone();
  open->OnGone();
  EXPECT_EQ(gone, 1);
  open->OnDisconnect([&] { ++gone; });
  EXPECT_EQ(gone, 2) << "a late listener hears it at once";
  const auto answered = Make();
  answered->OnDisconnect([&] { ++gone; });
  answered->Send({200, {}, ""});
  answered->OnGone();
  EXPECT_EQ(gone, 2);
}

TEST_F(HttpExchangeTest, AnswersForAResponderThatWasDropped) {
  const auto unanswered = Make();
  MakeExchangeResponder(unanswered).reset();
  EXPECT_NE(Drain(*unanswered).find("HTTP/1.1 500 "), std::string::npos);
  const auto streaming = Make();
  auto responder = MakeExchangeResponder(streaming);
  responder->StartStream(200, {});
  responder.reset();
  EXPECT_EQ(streaming->Take().end, End::kBreak);
}

TEST_F(HttpExchangeTest, FreesCallbacksThatOwnTheResponder) {
  const auto exchange = Make();
  auto responder = MakeExchangeResponder(exchange);
  const std::weak_ptr<HttpResponder> watch = responder;
  responder->OnDisconnect([responder] {});
  responder->Send({200, {}, ""});
  responder.reset();
  EXPECT_TRUE(watch.expired());
}

TEST_F(HttpExchangeTest, SendsNoBodyToHead) {
  HttpExchangeSetup setup;
  setup.is_head = true;
  const auto exchange = Make(setup);
  exchange->Send({200, {}, "body"});
  const std::string bytes = Drain(*exchange);
  EXPECT_NE(bytes.find("Content-Length: 4\r\n"), std::string::npos);
  EXPECT_EQ(bytes.substr(bytes.size() - 4), "\r\n\r\n");
}

TEST_F(HttpExchangeTest, EndsOldStreamsWithTheConnection) {
  HttpExchangeSetup setup;
  setup.is_http_1_0 = true;
  const auto exchange = Make(setup);
  exchange->StartStream(200, {});
  exchange->Write("raw");
  exchange->Finish();
  const HttpExchange::Output output = exchange->Take();
  EXPECT_EQ(output.end, End::kClose);
  EXPECT_EQ(output.bytes.substr(output.bytes.size() - 7), "\r\n\r\nraw");
}

TEST_F(HttpExchangeTest, ClosesWhenAskedOrDraining) {
  HttpExchangeSetup setup;
  setup.close = true;
  const auto last = Make(setup);
  last->Send({204, {}, ""});
  EXPECT_EQ(last->Take().end, End::kClose);
  draining_ = true;
  const auto draining = Make();
  draining->Send({204, {}, ""});
  const HttpExchange::Output output = draining->Take();
  EXPECT_EQ(output.end, End::kClose);
  EXPECT_NE(output.bytes.find("Connection: close\r\n"), std::string::npos);
}

TEST_F(HttpExchangeTest, TurnsUnsendableFieldsInto500) {
  const auto exchange = Make();
  exchange->Send({200, {{"X", "a\r\nb"}}, "secret"});
  const std::string bytes = Drain(*exchange);
  EXPECT_NE(bytes.find("HTTP/1.1 500 "), std::string::npos);
  EXPECT_EQ(bytes.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace windrose
