// Requests, limits and deadlines over real sockets.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "common/net/admin_listener.h"
#include "common/net/http_client.h"
#include "raw_client.h"
#include "tests/support/collecting_log.h"

namespace windrose {
namespace {

// Answers with method, path and body, so that a mix-up shows.
void Echo(const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder) {
  responder->Send({200, {}, request.method + " " + request.path + " [" + request.body + "]\n"});
}

std::string Get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"; }

std::string Post(const std::string& fields, const std::string& body) {
  return "POST /p HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(HttpServer, KeepsAConnectionAndServesBothFramings) {
  TestServer server(Echo);
  RawClient client(server.port());
  client.Send(Get("/a"));
  EXPECT_NE(client.ReadUntil("]\n").find("GET /a []"), std::string::npos);
  client.Send(Post("Content-Length: 5\r\n", "hello"));
  EXPECT_NE(client.ReadUntil("]\n").find("POST /p [hello]"), std::string::npos);
  client.Send(
      Post("Transfer-Encoding: chunked\r\n", "2\r\nhe\r\n3\r\nllo\r\n0\r\nHost: b\r\n\r\n"));
  const std::string answer = client.ReadUntil("]\n");
  EXPECT_NE(answer.find("POST /p [hello]"), std::string::npos);
  EXPECT_NE(answer.find("X-Content-Type-Options: nosniff\r\n"), std::string::npos);
  EXPECT_EQ(answer.find("Server:"), std::string::npos);
  EXPECT_EQ(server.server->stats().requests, 3u);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  TestServer server(Echo);
  RawClient client(server.port());
  std::string packet;
  for (int i = 0; i < 100; ++i) packet += Get(std::string("/").append(std::to_string(i)) + "x");
  client.Send(packet);
  for (int i = 0; i < 100; ++i) {
    ASSERT_NE(client.ReadUntil("]\n").find("GET /" + std::to_string(i) + "x []"), std::string::npos)
        << i;
  }
}

TEST(HttpServer, NeverParsesARefusedBodyAsARequest) {
  TestServer server(Echo);
  RawClient client(server.port());
  client.Send(Post("Transfer-Encoding: gzip\r\n", Get("/admin")));
  const std::string answer = client.ReadAll();
  EXPECT_EQ(answer.find("HTTP/1.1 501 "), 0u);
  EXPECT_EQ(Count(answer, "HTTP/1.1"), 1u);
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  EXPECT_NE(answer.find("{\"error\":{"), std::string::npos);
  EXPECT_EQ(server.server->stats().requests, 0u);
  EXPECT_EQ(server.server->stats().requests_refused, 1u);
}

TEST(HttpServer, RefusesALargeBodyWithoutReadingIt) {
  TestServer server(Echo);
  RawClient declared(server.port());
  declared.Send(Post("Content-Length: 10737418240\r\n", ""));
  EXPECT_EQ(declared.ReadAll().find("HTTP/1.1 413 "), 0u);
  RawClient chunked(server.port());
  chunked.Send(Post("Transfer-Encoding: chunked\r\n", "200000\r\n"));
  EXPECT_EQ(chunked.ReadAll().find("HTTP/1.1 413 "), 0u);
  RawClient exact(server.port());
  exact.Send(Post("Content-Length: 1048576\r\n", std::string(1048576, 'a')));
  EXPECT_EQ(exact.ReadUntil("\r\n"), "HTTP/1.1 200 OK\r\n");
}

TEST(HttpServer, DeliversTheRefusalToAClientThatKeepsSending) {
  TestServer server(Echo);
  RawClient client(server.port());
  client.Send(Post("Content-Length: 1048577\r\n", std::string(200000, 'a')));
  EXPECT_EQ(client.ReadUntil("\r\n"), "HTTP/1.1 413 Content Too Large\r\n");
}

// Sends `head`, then a byte every 30 ms for five seconds, as slow attackers do: no byte may move
// the deadline. Expects the refusal long before the last one.
void ExpectTimeOutOfADrip(RawClient& client, const std::string& head) {
  constexpr size_t kBytes = 166;
  client.Send(head);
  const TimePoint begin = SystemClock().Now();
  std::string answer;
  size_t sent = 0;
  for (; sent < kBytes && answer.empty(); ++sent) {
    client.Send("a");
    answer = client.ReadUntil("HTTP/1.1 408 ", Milliseconds(30));
  }
  EXPECT_EQ(answer, "HTTP/1.1 408 ");
  EXPECT_LT(SystemClock().Now() - begin, Milliseconds(900));
  EXPECT_LT(sent, kBytes);
  EXPECT_EQ(client.ReadAll().find("<open>"), std::string::npos);
}

TEST(HttpServer, TimesOutASlowHeadAsAWhole) {
  HttpLimits limits;
  limits.head_timeout = Milliseconds(300);
  TestServer server(Echo, limits);
  RawClient client(server.port());
  ExpectTimeOutOfADrip(client, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
  EXPECT_EQ(server.server->stats().requests_refused, 1u);
}

TEST(HttpServer, TimesOutASlowSecondHead) {
  HttpLimits limits;
  limits.head_timeout = Milliseconds(300);
  TestServer server(Echo, limits);
  RawClient client(server.port());
  client.Send(Get("/"));
  client.ReadUntil("]\n");
  ExpectTimeOutOfADrip(client, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
}

void ExpectTimeOutOfADrippingBody(const HttpLimits& limits) {
  TestServer server(Echo, limits);
  RawClient client(server.port());
  ExpectTimeOutOfADrip(client, Post("Content-Length: 1000\r\n", ""));
}

TEST(HttpServer, TimesOutABodyBelowTheMinimumRate) {
  HttpLimits limits;
  limits.body_grace = Milliseconds(300);
  ExpectTimeOutOfADrippingBody(limits);
}

TEST(HttpServer, EndsABodyAtItsWholeTime) {
  HttpLimits limits;
  limits.body_bytes_per_second = 1;
  limits.body_timeout = Milliseconds(300);
  ExpectTimeOutOfADrippingBody(limits);
}

TEST(HttpServer, TimesOutASilentBody) {
  HttpLimits limits;
  limits.body_grace = Milliseconds(200);
  TestServer server(Echo, limits);
  RawClient silent(server.port());
  silent.Send(Post("Content-Length: 5\r\nExpect: 100-continue\r\n", ""));
  EXPECT_EQ(silent.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(silent.ReadAll().find("HTTP/1.1 408 "), 0u);
}

TEST(HttpServer, ContinuesAnExpectedBody) {
  TestServer server(Echo);
  RawClient client(server.port());
  client.Send(Post("Content-Length: 2\r\nExpect: 100-continue\r\n", ""));
  client.ReadUntil("100 Continue\r\n\r\n");
  client.Send("hi");
  EXPECT_EQ(client.ReadUntil("]\n").find("HTTP/1.1 200 OK\r\n"), 0u);
}

TEST(HttpServer, ClosesIdleConnectionsSilently) {
  HttpLimits limits;
  limits.idle_timeout = Milliseconds(100);
  limits.head_timeout = Milliseconds(100);
  TestServer server(Echo, limits);
  RawClient never_spoke(server.port());
  EXPECT_EQ(never_spoke.ReadAll(), "");
  RawClient spoke(server.port());
  spoke.Send(Get("/"));
  spoke.ReadUntil("]\n");
  EXPECT_EQ(spoke.ReadAll(), "");
}

TEST(HttpServer, ClosesPolitelyAtTheRequestLimit) {
  HttpLimits limits;
  limits.requests_per_connection = 3;
  TestServer server(Echo, limits);
  RawClient client(server.port());
  for (int i = 0; i < 4; ++i) client.Send(Get("/"));
  const std::string answers = client.ReadAll();
  EXPECT_EQ(Count(answers, "HTTP/1.1 200"), 3u);
  EXPECT_EQ(Count(answers, "Connection: close"), 1u);
}

TEST(HttpServer, BoundsConnectionsPerAddress) {
  HttpLimits limits;
  limits.connections_per_address = 2;
  TestServer server(Echo, limits);
  auto first = std::make_unique<RawClient>(server.port());
  RawClient second(server.port());
  second.Send(Get("/"));
  second.ReadUntil("]\n");
  RawClient third(server.port());
  const std::string refusal = third.ReadAll();
  EXPECT_EQ(refusal.find("HTTP/1.1 503 "), 0u);
  EXPECT_NE(refusal.find("\r\nRetry-After: 1\r\n"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find(R"("code":"too_many_connections"}})"), std::string::npos) << refusal;
  first.reset();
  ASSERT_TRUE(WaitFor([&] { return server.server->stats().connections_open == 1; }));
  RawClient fourth(server.port());
  fourth.Send(Get("/"));
  EXPECT_NE(fourth.ReadUntil("]\n").find("200 OK"), std::string::npos);
}

TEST(HttpServer, SendsHeadersOnlyToHead) {
  TestServer server(Echo);
  RawClient client(server.port());
  client.Send("HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n" + Get("/next"));
  const std::string answers = client.ReadUntil("]\n");
  EXPECT_EQ(answers.find("HEAD /h"), std::string::npos);
  EXPECT_NE(answers.find("GET /next []"), std::string::npos);
}

TEST(HttpServer, ChoosesTheRequestId) {
  TestServer server(
      [](const HttpRequest& request, const std::shared_ptr<HttpResponder>& responder) {
        responder->Send({200, {}, request.id + "]\n"});
      });
  RawClient client(server.port());
  client.Send("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine-1\r\n\r\n");
  EXPECT_NE(client.ReadUntil("]\n").find("X-Request-Id: mine-1\r\n"), std::string::npos);
  client.Send("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: <script>\r\n\r\n");
  const std::string answer = client.ReadUntil("]\n");
  EXPECT_EQ(answer.find("script"), std::string::npos);
  EXPECT_NE(answer.find("X-Request-Id: req-"), std::string::npos);
}

TEST(HttpServer, AnswersForAHandlerThatForgets) {
  TestServer server([](const HttpRequest&, const std::shared_ptr<HttpResponder>&) {});
  RawClient client(server.port());
  client.Send(Get("/"));
  EXPECT_EQ(client.ReadUntil("\r\n"), "HTTP/1.1 500 Internal Server Error\r\n");
}

TEST(HttpServer, DrainsIdleAndBusyConnections) {
  std::shared_ptr<HttpResponder> held;
  std::atomic<bool> holding{false};
  TestServer server([&](const HttpRequest& request, std::shared_ptr<HttpResponder> responder) {
    if (request.path == "/now") return responder->Send({200, {}, "]\n"});
    held = std::move(responder);
    holding = true;
  });
  RawClient idle(server.port());
  idle.Send(Get("/now"));
  idle.ReadUntil("]\n");
  RawClient busy(server.port());
  busy.Send(Get("/held"));
  ASSERT_TRUE(WaitFor([&] { return holding.load(); }));
  server.server->BeginDrain();
  EXPECT_EQ(idle.ReadAll(), "");
  held->Send({200, {}, "done"});
  const std::string answer = busy.ReadAll();
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  EXPECT_NE(answer.find("done"), std::string::npos);
  EXPECT_EQ(server.server->Stop(Seconds(5)), 0u);
}

TEST(HttpServer, CutsWhatIsLeftWhenPatienceEnds) {
  std::shared_ptr<HttpResponder> held;
  std::atomic<bool> gone{false};
  TestServer server([&](const HttpRequest&, std::shared_ptr<HttpResponder> responder) {
    responder->OnDisconnect([&] { gone = true; });
    held = std::move(responder);
  });
  RawClient client(server.port());
  client.Send(Get("/"));
  ASSERT_TRUE(WaitFor([&] { return server.server->stats().requests == 1; }));
  EXPECT_EQ(server.server->Stop(Milliseconds(20)), 1u);
  EXPECT_TRUE(gone);
  held->Send({200, {}, "too late"});
  server.server.reset();
  held->Send({200, {}, "much too late"});
}

TEST(HttpServer, SaysWhyItCannotListen) {
  TestServer first(Echo);
  HttpServerOptions options;
  options.port = first.port();
  const auto second = HttpServer::Start(options, Echo, first.log, first.entropy);
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  options.address = "not an address";
  EXPECT_EQ(HttpServer::Start(options, Echo, first.log, first.entropy).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(HttpServer, SurvivesTheEndOfDescriptors) {
  TestServer server(Echo);
  RawClient working(server.port());
  working.Send(Get("/"));
  working.ReadUntil("]\n");
  rlimit before = {};
  getrlimit(RLIMIT_NOFILE, &before);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(nullptr);
  {
    // The client's own socket takes the last descriptor: the server has none to accept it with.
    const int next = dup(0);
    close(next);
    rlimit tight = before;
    tight.rlim_cur = static_cast<rlim_t>(next) + 1;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
    clients[0] = std::make_unique<RawClient>(server.port());
    EXPECT_TRUE(WaitFor([&] { return server.server->stats().connections_refused > 0; }));
    working.Send(Get("/still"));
    EXPECT_NE(working.ReadUntil("]\n").find("GET /still"), std::string::npos);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  }
  RawClient after(server.port());
  after.Send(Get("/after"));
  EXPECT_NE(after.ReadUntil("]\n").find("GET /after"), std::string::npos);
}

TEST(HttpServer, SaysThatDescriptorsAllowFewerConnections) {
  CollectingLog log;
  SystemEntropy entropy;
  HttpServerOptions options;
  options.address = "127.0.0.1";
  options.limits.connections = 200;
  rlimit before = {};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit tight = before;
  tight.rlim_cur = 300;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  ASSERT_TRUE(HttpServer::Start(options, Echo, log, entropy).ok());
  EXPECT_EQ(log.text, "http_connections_bounded wanted=200 allowed=150 descriptors=300\n");
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(AdminListener, ServesMetricsAndProbes) {
  const SystemClock clock;
  NullLog log;
  SystemEntropy entropy;
  HealthState health(clock);
  MetricRegistry metrics;
  metrics.AddProcessMetrics();
  const auto admin = AdminListener::Start({}, {metrics, health, log, entropy});
  ASSERT_TRUE(admin.ok());
  const auto client = HttpClient::Make({"127.0.0.1", (*admin)->port()});
  const auto scrape = client->Do({"GET", "/metrics", {}, ""});
  ASSERT_TRUE(scrape.ok()) << scrape.status();
  EXPECT_EQ(scrape->status, 200);
  EXPECT_NE(scrape->body.find("process_open_fds"), std::string::npos);
  EXPECT_EQ(client->Do({"GET", "/readyz", {}, ""})->status, 503);
  health.SetStarted();
  EXPECT_EQ(client->Do({"GET", "/readyz?verbose", {}, ""})->status, 200);
  EXPECT_EQ(client->Do({"GET", "/v1/models", {}, ""})->status, 404);
  RawClient slashes((*admin)->port());
  slashes.Send("GET " + std::string(20000, '/') + " HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(slashes.ReadUntil("\r\n"), "HTTP/1.1 414 URI Too Long\r\n");
}

}  // namespace
}  // namespace windrose
