// The router over real sockets, with scripted coordinators that break.
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "common/base/bounded_queue.h"
#include "common/base/thread_event_loop.h"
#include "common/net/http_client.h"
#include "common/net/http_server.h"
#include "router/proxy/http_front.h"
#include "router/server/grpc_front.h"
#include "router/upstream/grpc_client.h"
#include "router/upstream/inference_proto.h"
#include "router/values/error_detail.h"
#include "tests/integration/router/scripted_coordinator.h"

namespace windrose::router {
namespace {

constexpr char kBody[] = R"({"model":"demo","seed":5,"messages":[{"role":"user","content":"hi"}])";

class RouterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    coordinators_.push_back(std::make_unique<ScriptedCoordinator>());
    coordinators_.push_back(std::make_unique<ScriptedCoordinator>());
    set_.SetAddresses({coordinators_[0]->address(), coordinators_[1]->address()});
    ASSERT_TRUE(loop_.RunUntil([&] { return set_.up_count() == 2; }, clock_.Now() + Seconds(20)));
    thread_ = std::thread(
        [this] { loop_.RunUntil([this] { return stop_; }, clock_.Now() + Seconds(600)); });
    auto http = HttpServer::Start(
        {},
        [this](HttpRequest request, std::shared_ptr<HttpResponder> responder) {
          front_.Handle(std::move(request), std::move(responder));
        },
        log_, entropy_);
    ASSERT_TRUE(http.ok());
    http_ = std::move(*http);
    auto grpc = GrpcFront::Start(
        {}, {.loop = loop_, .proxy = proxy_, .entropy = entropy_, .log = log_, .probe = probe_});
    ASSERT_TRUE(grpc.ok());
    grpc_ = std::move(*grpc);
  }
  void TearDown() override {
    http_.reset();
    grpc_.reset();
    loop_.Post([this] { stop_ = true; });
    thread_.join();
  }

  StatusOr<HttpResponse> Chat(const std::string& more,
                              const HttpClient::BodyCallback& on_body = nullptr) {
    const auto client = HttpClient::Make({.host = "127.0.0.1", .port = http_->port()},
                                         {.silence_timeout = Seconds(30)});
    return client->Do({.method = "POST",
                       .target = "/v1/chat/completions",
                       .fields = {{"Content-Type", "application/json"}},
                       .body = kBody + more + "}"},
                      on_body);
  }
  static std::string WholeText() {
    std::string text;
    for (uint32_t i = 0; i < kScriptedTokens; ++i) text += ScriptedText(5, i);
    return text;
  }
  // Runs on the loop and waits for the result.
  size_t InFlight() {
    BoundedQueue<size_t> answer(1);
    loop_.Post([&] { (void)answer.Push(size_t{proxy_.admission().in_flight()}); });
    return answer.Pop(clock_.Now() + Seconds(10)).value_or(99);
  }
  std::unique_ptr<pb::InferenceService::Stub> Stub() {
    return pb::InferenceService::NewStub(grpc::CreateChannel(
        "127.0.0.1:" + std::to_string(grpc_->port()), grpc::InsecureChannelCredentials()));
  }

  SystemClock clock_;
  SystemEntropy entropy_;
  NullLog log_;
  HealthState health_{clock_};
  RouterProbe probe_;
  ThreadEventLoop loop_{clock_};
  GrpcTransport transport_{loop_, GrpcSettings{}};
  CoordinatorSet set_{
      {.loop = loop_,
       .entropy = entropy_,
       .log = log_,
       .make_client = [this](const std::string& address) { return transport_.MakeClient(address); },
       .probe = {}},
      {.probe_period = Milliseconds(50)}};
  InferenceProxy proxy_{{.loop = loop_,
                         .clock = clock_,
                         .entropy = entropy_,
                         .log = log_,
                         .coordinators = set_,
                         .probe = probe_},
                        {}};
  HttpFront front_{{.loop = loop_,
                    .clock = clock_,
                    .entropy = entropy_,
                    .proxy = proxy_,
                    .health = health_,
                    .probe = probe_,
                    .limits = {}}};
  bool stop_ = false;
  std::thread thread_;
  std::vector<std::unique_ptr<ScriptedCoordinator>> coordinators_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<GrpcFront> grpc_;
};

TEST_F(RouterTest, GoesOnWhereAStreamBreaks) {
  for (int index = 0; index < static_cast<int>(kScriptedTokens); ++index) {
    coordinators_[0]->service.break_before = index;
    coordinators_[1]->service.break_before = index;
    const auto response = Chat("");
    ASSERT_TRUE(response.ok()) << ToString(response.status());
    EXPECT_EQ(response->status, 200) << response->body;
    EXPECT_NE(response->body.find("\"content\":\"" + WholeText() + "\""), std::string::npos)
        << index << response->body;
  }
}

TEST_F(RouterTest, GivesUpARequestThatKillsWhoeverTakesIt) {
  for (const auto& coordinator : coordinators_) coordinator->service.deaths_on_taking = 100;
  const auto response = Chat("");
  ASSERT_TRUE(response.ok()) << ToString(response.status());
  EXPECT_EQ(response->status, 500);
  EXPECT_NE(response->body.find("request_quarantined"), std::string::npos) << response->body;
  EXPECT_EQ(coordinators_[0]->service.streams + coordinators_[1]->service.streams, 4);
}

TEST_F(RouterTest, DoesNotCountWhoBreaksBeforeItHasTheRequest) {
  for (const auto& coordinator : coordinators_) coordinator->service.deaths_before = 4;
  const auto response = Chat("");
  ASSERT_TRUE(response.ok()) << ToString(response.status());
  EXPECT_EQ(response->status, 200) << response->body;
  EXPECT_GT(coordinators_[0]->service.streams + coordinators_[1]->service.streams, 4);
}

TEST_F(RouterTest, StreamsThroughAKilledProcess) {
  coordinators_[0]->service.endless = coordinators_[1]->service.endless = true;
  size_t pieces = 0;
  std::string body;
  const auto response = Chat(R"(,"stream":true)", [&](std::string_view piece) {
    body += piece;
    if (++pieces == 3) {
      // Whoever serves it dies; only the other one can go on.
      const size_t victim = coordinators_[0]->service.streams > 0 ? 0 : 1;
      coordinators_[1 - victim]->service.endless = false;
      coordinators_[victim].reset();
    }
    return true;
  });
  ASSERT_TRUE(response.ok()) << ToString(response.status());
  EXPECT_TRUE(body.ends_with("data: [DONE]\n\n"));
}

TEST_F(RouterTest, StreamsEchoesThatAreLargerThanTheBufferTogether) {
  const std::string prompt = '"' + std::string(220'000, 'a') + '"';
  const auto client = HttpClient::Make({.host = "127.0.0.1", .port = http_->port()},
                                       {.silence_timeout = Seconds(30)});
  BoundedQueue<bool> never(1);
  std::string body;
  const auto response = client->Do(
      {.method = "POST",
       .target = "/v1/completions",
       .fields = {{"Content-Type", "application/json"}},
       .body = R"({"model":"demo","stream":true,"echo":true,"max_tokens":20,"prompt":[)" + prompt +
               "," + prompt + "," + prompt + "," + prompt + "]}"},
      [&](std::string_view piece) {
        body += piece;
        if (body.size() < 200'000) (void)never.Pop(clock_.Now() + Milliseconds(2));
        return true;
      });
  ASSERT_TRUE(response.ok()) << ToString(response.status());
  EXPECT_TRUE(body.ends_with("data: [DONE]\n\n"));
}

TEST_F(RouterTest, FreesEverythingWhenAClientLeaves) {
  coordinators_[0]->service.endless = coordinators_[1]->service.endless = true;
  const auto response = Chat(R"(,"stream":true)", [](std::string_view) { return false; });
  EXPECT_EQ(response.status().code(), StatusCode::kCancelled);
  BoundedQueue<bool> never(1);
  for (int i = 0; i < 200 && InFlight() > 0; ++i) (void)never.Pop(clock_.Now() + Milliseconds(20));
  EXPECT_EQ(InFlight(), 0U);
}

TEST_F(RouterTest, ServesTheSameOverGrpc) {
  coordinators_[0]->service.break_before = 7;
  coordinators_[1]->service.break_before = 7;
  const auto stub = Stub();
  grpc::ClientContext context;
  pb::GenerateRequest request;
  request.mutable_text()->set_text("hi");
  request.mutable_sampling()->set_seed(5);
  const auto reader = stub->Generate(&context, request);
  pb::GenerateEvent event;
  std::string text;
  uint32_t next = 0;
  bool finished = false;
  while (reader->Read(&event)) {
    if (event.has_token()) {
      EXPECT_EQ(event.token().index(), next++);
      text += event.token().text();
    }
    finished = finished || event.has_finished();
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_TRUE(finished);
  EXPECT_EQ(text, WholeText());
}

TEST_F(RouterTest, CutsAGrpcClientThatDoesNotRead) {
  coordinators_[0]->service.endless = coordinators_[1]->service.endless = true;
  const auto front = GrpcFront::Start(
      {.write_timeout = Milliseconds(200)},
      {.loop = loop_, .proxy = proxy_, .entropy = entropy_, .log = log_, .probe = probe_});
  ASSERT_TRUE(front.ok());
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // whose window would grow for seconds
  const auto stub = pb::InferenceService::NewStub(
      grpc::CreateCustomChannel("127.0.0.1:" + std::to_string((*front)->port()),
                                grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  pb::GenerateRequest request;
  request.mutable_text()->set_text("hi");
  const auto reader = stub->Generate(&context, request);
  BoundedQueue<bool> never(1);
  const auto begun = [&] {
    return coordinators_[0]->service.streams + coordinators_[1]->service.streams > 0;
  };
  for (int i = 0; i < 500 && !(begun() && InFlight() == 0); ++i) {
    (void)never.Pop(clock_.Now() + Milliseconds(20));
  }
  EXPECT_TRUE(begun());
  EXPECT_EQ(InFlight(), 0U) << "it keeps its place";
  pb::GenerateEvent event;
  while (reader->Read(&event)) continue;
  EXPECT_FALSE(reader->Finish().ok());
}

// Slow ones: what a client sends while a stream ends, as fast ones make it do, may have gRPC reset
// the connection.
TEST_F(RouterTest, StopsOnceItsGrpcStreamsHaveEnded) {
  coordinators_[0]->service.endless = coordinators_[1]->service.endless = true;
  coordinators_[0]->service.slow = coordinators_[1]->service.slow = true;
  const auto stub = Stub();
  grpc::ClientContext context;
  pb::GenerateRequest request;
  request.mutable_text()->set_text("hi");
  const auto reader = stub->Generate(&context, request);
  pb::GenerateEvent event;
  ASSERT_TRUE(reader->Read(&event));
  std::thread stop([this] { grpc_->Stop(Seconds(60)); });
  const auto refuses = [&] {
    grpc::ClientContext late;
    pb::ListModelsResponse models;
    return !stub->ListModels(&late, {}, &models).ok();
  };
  for (int i = 0; i < 10'000 && !refuses(); ++i) EXPECT_TRUE(reader->Read(&event));
  EXPECT_TRUE(refuses());
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(reader->Read(&event));
  coordinators_[0]->service.endless = coordinators_[1]->service.endless = false;
  while (reader->Read(&event)) continue;
  EXPECT_TRUE(event.has_finished());
  const grpc::Status end = reader->Finish();
  EXPECT_TRUE(end.ok()) << end.error_message();
  stop.join();
}

// Clients that balance by health keep such a stream open for ever.
TEST_F(RouterTest, StopsThoughSomebodyWatchesItsHealth) {
  grpc::GenericStub stub(grpc::CreateChannel("127.0.0.1:" + std::to_string(grpc_->port()),
                                             grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto done = [&] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto watch = stub.PrepareCall(&context, "/grpc.health.v1.Health/Watch", &queue);
  watch->StartCall(this);
  ASSERT_TRUE(done());
  const grpc::Slice everything;
  watch->WriteLast(grpc::ByteBuffer(&everything, 1), {}, this);
  ASSERT_TRUE(done());
  grpc::ByteBuffer health;
  watch->Read(&health, this);
  ASSERT_TRUE(done());
  const TimePoint begin = clock_.Now();
  grpc_->Stop(Seconds(20));
  EXPECT_LT(clock_.Now() - begin, Seconds(10));
  grpc::Status status;
  watch->Finish(&status, this);
  EXPECT_TRUE(done());
  EXPECT_FALSE(status.ok());
}

TEST_F(RouterTest, ListensOnAnAddressWithColons) {
  HttpServerOptions probe;
  probe.address = "::1";
  const auto ignore = [](const HttpRequest&, const std::shared_ptr<HttpResponder>&) {};
  if (!HttpServer::Start(probe, ignore, log_, entropy_).ok()) GTEST_SKIP() << "no IPv6 here";
  const auto front = GrpcFront::Start(
      {.address = "::1"},
      {.loop = loop_, .proxy = proxy_, .entropy = entropy_, .log = log_, .probe = probe_});
  EXPECT_TRUE(front.ok()) << ToString(front.status());
}

// So that a coordinator drops the work of those who wait no longer.
TEST_F(RouterTest, UnaryCallsReachTheCoordinatorWithTheDeadlineOfTheClient) {
  const auto stub = Stub();
  const auto time_left_s = [&](std::chrono::seconds patience) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + patience);
    pb::TokenizeRequest request;
    request.mutable_text()->set_text("ab");
    pb::TokenizeResponse response;
    EXPECT_TRUE(stub->Tokenize(&context, request, &response).ok());
    return std::max<int64_t>(coordinators_[0]->service.tokenize_time_left_s.exchange(0),
                             coordinators_[1]->service.tokenize_time_left_s.exchange(0));
  };
  EXPECT_LE(time_left_s(std::chrono::seconds(4)), 4);
  const int64_t longest_s = time_left_s(std::chrono::seconds(1000));
  EXPECT_GT(longest_s, 4);
  EXPECT_LE(longest_s, 10);
}

TEST_F(RouterTest, ForwardsUnaryCallsAndRefusals) {
  const auto stub = Stub();
  {
    grpc::ClientContext context;
    pb::TokenizeRequest request;
    request.mutable_text()->set_text("ab");
    pb::TokenizeResponse response;
    EXPECT_TRUE(stub->Tokenize(&context, request, &response).ok());
    EXPECT_EQ(response.ids_size(), 2);
  }
  grpc::ClientContext context;
  const pb::GenerateRequest empty;
  const auto reader = stub->Generate(&context, empty);
  pb::GenerateEvent event;
  EXPECT_FALSE(reader->Read(&event));
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(DetailOf(FromGrpcStatus(status))->param, "prompt");
}

}  // namespace
}  // namespace windrose::router
