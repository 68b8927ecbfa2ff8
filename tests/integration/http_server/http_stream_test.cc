// Streams over real sockets: framing, back-pressure, and clients that go away.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "common/base/mutex.h"
#include "common/net/http_client.h"
#include "raw_client.h"

namespace windrose {
namespace {

const char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// A server whose handler gives the responder to the test.
class HttpStreamTest : public testing::Test {
 protected:
  void Start(const HttpLimits& limits = {}) {
    server_ = std::make_unique<TestServer>(
        [this](const HttpRequest&, std::shared_ptr<HttpResponder> responder) {
          responder->OnDisconnect([this] { gone_ = true; });
          MutexLock lock(mutex_);
          responder_ = std::move(responder);
        },
        limits);
  }
  std::shared_ptr<HttpResponder> TakeResponder() {
    std::shared_ptr<HttpResponder> taken;
    WaitFor([&] {
      MutexLock lock(mutex_);
      taken = std::exchange(responder_, nullptr);
      return taken != nullptr;
    });
    return taken;
  }
  // Writes until the server notices; false when it does not.
  bool WritesUntilGone(HttpResponder& responder) {
    return WaitFor([&] { return !responder.Write("data: x\n\n") || gone_.load(); }, Seconds(5));
  }

  Mutex mutex_;
  std::shared_ptr<HttpResponder> responder_ WINDROSE_GUARDED_BY(mutex_);
  std::atomic<bool> gone_{false};
  std::unique_ptr<TestServer> server_;
};

TEST_F(HttpStreamTest, StreamsAndKeepsTheConnection) {
  Start();
  RawClient client(server_->port());
  for (int i = 0; i < 2; ++i) {
    client.Send(kGet);
    const auto responder = TakeResponder();
    ASSERT_NE(responder, nullptr);
    responder->StartStream(200, {{"Content-Type", "text/event-stream"}});
    EXPECT_TRUE(responder->Write("data: 1\n\n"));
    EXPECT_NE(client.ReadUntil("data: 1\n\n\r\n").find("text/event-stream"), std::string::npos)
        << "delivered before the stream ends";
    EXPECT_TRUE(responder->Write("data: 2\n\n"));
    responder->Finish();
    EXPECT_EQ(client.ReadUntil("0\r\n\r\n"), "9\r\ndata: 2\n\n\r\n0\r\n\r\n");
  }
  EXPECT_FALSE(gone_);
}

TEST_F(HttpStreamTest, BreaksWithoutTheLastChunkAfterTheErrorEvent) {
  Start();
  RawClient client(server_->port());
  client.Send(kGet);
  const auto responder = TakeResponder();
  responder->StartStream(200, {});
  responder->Write("data: {\"error\":1}\n\n");
  responder->Break();
  const std::string text = client.ReadAll();
  EXPECT_NE(text.find("data: {\"error\":1}\n\n\r\n"), std::string::npos);
  EXPECT_EQ(text.find("\r\n0\r\n"), std::string::npos);
  EXPECT_EQ(text.find("<open>"), std::string::npos);
}

TEST_F(HttpStreamTest, TheClientTellsABrokenStreamFromAWholeOne) {
  Start();
  std::string seen;
  std::thread server_side([this] {
    const auto whole = TakeResponder();
    whole->StartStream(200, {});
    whole->Write("whole");
    whole->Finish();
    const auto broken = TakeResponder();
    broken->StartStream(200, {});
    broken->Write("broken");
    broken->Break();
  });
  const auto client = HttpClient::Make({"127.0.0.1", server_->port()});
  const auto take = [&](std::string_view piece) {
    seen += piece;
    return true;
  };
  EXPECT_TRUE(client->Do({}, take).ok());
  EXPECT_EQ(client->Do({}, take).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(seen, "wholebroken");
  server_side.join();
}

TEST_F(HttpStreamTest, AnInterruptedClientStopsWaitingForGood) {
  Start();
  const auto client = HttpClient::Make({"127.0.0.1", server_->port()});
  std::shared_ptr<HttpResponder> responder;  // the stream breaks when it goes
  std::thread other([&] {
    responder = TakeResponder();
    responder->StartStream(200, {});
    client->Interrupt();
  });
  EXPECT_EQ(client->Do({}).status().code(), StatusCode::kCancelled);
  other.join();
  EXPECT_EQ(client->Do({}).status().code(), StatusCode::kCancelled);
}

TEST_F(HttpStreamTest, GivesALongAnswerTimeInProportion) {
  HttpLimits limits;
  limits.stream_buffer_bytes = 64 * 1024;
  limits.write_timeout = Milliseconds(300);
  Start(limits);
  RawClient client(server_->port(), 4096);
  client.Send(kGet);
  constexpr size_t kBytes = 3 * 1024 * 1024;
  TakeResponder()->Send({200, {}, std::string(kBytes, 'a')});
  std::string text = client.ReadUntil("\r\n\r\n");
  text.clear();
  const TimePoint begin = SystemClock().Now();
  // Steady, but too slow to take the whole within one time-out.
  while (text.size() < kBytes && SystemClock().Now() - begin < Seconds(20)) {
    const std::string piece = client.ReadUntil(std::string(32 * 1024, 'a'), Seconds(2));
    if (piece.empty()) break;
    text += piece;
    WaitFor([] { return false; }, Milliseconds(10));
  }
  EXPECT_EQ(text.size(), kBytes);
  EXPECT_GT(SystemClock().Now() - begin, 2 * limits.write_timeout) << "a test of nothing";
  EXPECT_FALSE(gone_);
}

TEST_F(HttpStreamTest, NoticesAResetAtOnce) {
  Start();
  RawClient client(server_->port());
  client.Send(kGet);
  const auto responder = TakeResponder();
  client.Close(true);
  EXPECT_TRUE(WaitFor([&] { return gone_.load(); }, Seconds(1))) << "without a write of ours";
  EXPECT_FALSE(responder->Write("x"));
}

TEST_F(HttpStreamTest, NoticesACloseBeforeTheAnswerBegan) {
  Start();
  RawClient client(server_->port());
  client.Send(kGet);
  const auto responder = TakeResponder();
  client.Close();
  EXPECT_TRUE(WaitFor([&] { return gone_.load(); }, Seconds(1)));
}

TEST_F(HttpStreamTest, NoticesACloseInAStreamSoonAfterTheNextWrite) {
  Start();
  RawClient client(server_->port());
  client.Send(kGet);
  const auto responder = TakeResponder();
  responder->StartStream(200, {});
  responder->Write("data: 1\n\n");
  client.ReadUntil("data: 1\n\n\r\n");
  client.Close();
  const TimePoint begin = SystemClock().Now();
  EXPECT_TRUE(WritesUntilGone(*responder));
  EXPECT_LT(SystemClock().Now() - begin, Milliseconds(500));
}

TEST_F(HttpStreamTest, GoesOnForAClientThatHalfClosed) {
  Start();
  RawClient client(server_->port());
  client.Send(kGet);
  const auto responder = TakeResponder();
  client.HalfClose();
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 102 Processing\r\n\r\n");
  EXPECT_FALSE(gone_);
  responder->StartStream(200, {});
  EXPECT_TRUE(responder->Write("data: 1\n\n"));
  responder->Finish();
  const std::string text = client.ReadAll();
  EXPECT_NE(text.find("data: 1\n\n\r\n0\r\n\r\n"), std::string::npos) << text;
}

TEST_F(HttpStreamTest, IgnoresBytesThatArriveDuringAStream) {
  Start();
  RawClient client(server_->port());
  client.Send(kGet);
  const auto responder = TakeResponder();
  responder->StartStream(200, {});
  client.Send(std::string(10000, 'x'));
  responder->Write("data: 1\n\n");
  responder->Finish();
  const std::string text = client.ReadAll();
  const size_t end = text.find("9\r\ndata: 1\n\n\r\n0\r\n\r\n");
  ASSERT_NE(end, std::string::npos);
  EXPECT_NE(text.find("HTTP/1.1 400 ", end), std::string::npos) << "then they are a bad request";
}

TEST_F(HttpStreamTest, CutsAClientThatNeverReads) {
  HttpLimits limits;
  limits.stream_buffer_bytes = 64 * 1024;
  Start(limits);
  RawClient client(server_->port(), 4096);
  client.Send(kGet);
  const auto responder = TakeResponder();
  responder->StartStream(200, {});
  const std::string chunk(8000, 'a');
  size_t most_pending = 0;
  bool open = true;
  for (int i = 0; open && i < 1000; ++i) {
    open = responder->Write(chunk);
    most_pending = std::max(most_pending, responder->pending_bytes());
  }
  EXPECT_FALSE(open);
  EXPECT_LE(most_pending, limits.stream_buffer_bytes + chunk.size() + 16) << "one more at most";
  EXPECT_TRUE(WaitFor([&] { return gone_.load(); }));
  EXPECT_TRUE(WaitFor([&] { return server_->server->stats().streams_cut == 1; }));
  EXPECT_EQ(client.ReadAll().find("\r\n0\r\n\r\n"), std::string::npos);
}

TEST_F(HttpStreamTest, CutsAStalledClientAtTheWriteTimeout) {
  HttpLimits limits;
  limits.write_timeout = Milliseconds(200);
  limits.stream_buffer_bytes = 8 * 1024 * 1024;
  Start(limits);
  RawClient client(server_->port(), 4096);
  client.Send(kGet);
  const auto responder = TakeResponder();
  responder->StartStream(200, {});
  EXPECT_TRUE(responder->Write(std::string(7 * 1024 * 1024, 'a')));
  EXPECT_TRUE(WaitFor([&] { return gone_.load(); }));
  EXPECT_EQ(server_->server->stats().streams_cut, 1u);
}

TEST_F(HttpStreamTest, WaitsForASlowClientThroughOnWritable) {
  HttpLimits limits;
  limits.stream_buffer_bytes = 64 * 1024;
  Start(limits);
  RawClient client(server_->port(), 4096);
  client.Send(kGet);
  const auto responder = TakeResponder();
  responder->StartStream(200, {});
  const std::string chunk(8000, 'a');
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) {
      std::atomic<bool> writable{false};
      responder->OnWritable([&] { writable = true; });
      EXPECT_TRUE(WaitFor([&] { return writable.load(); }));
      EXPECT_TRUE(responder->Write(chunk));
    }
    responder->Finish();
  });
  const std::string text = client.ReadUntil("\r\n0\r\n\r\n", Seconds(20));
  writer.join();
  EXPECT_GT(text.size(), 200 * chunk.size());
  EXPECT_FALSE(gone_);
}

TEST_F(HttpStreamTest, ManyClientsThatLeaveAtRandomLeaveNothingBehind) {
  HttpLimits limits;
  limits.connections_per_address = 1000;
  TestServer server(
      [](const HttpRequest&, const std::shared_ptr<HttpResponder>& responder) {
        responder->StartStream(200, {});
        for (int i = 0; i < 20; ++i) responder->Write("data: x\n\n");
        responder->Finish();
      },
      limits);
  for (uint64_t i = 0; i < 300; ++i) {
    RawClient client(server.port());
    client.Send(std::string_view(kGet).substr(0, BitsAt(7, i) % sizeof kGet));
    if (BitsAt(8, i) % 2 == 0) client.ReadUntil("data", Milliseconds(2));
    client.Close(BitsAt(9, i) % 2 == 0);
  }
  EXPECT_TRUE(WaitFor([&] { return server.server->stats().connections_open == 0; }));
}

}  // namespace
}  // namespace windrose
