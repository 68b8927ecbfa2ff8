#include "router/proxy/http_front.h"

#include <gtest/gtest.h>

#include "router/api/json.h"
#include "router/values/error_detail.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/router/proxy/fake_responder.h"
#include "tests/unit/router/proxy/scripted_cluster.h"

namespace windrose::router {
namespace {

constexpr char kChat[] = R"({"model":"demo","seed":42,"messages":[{"role":"user","content":"hi"}])";

class HttpFrontTest : public ScriptedClusterTest {
 protected:
  HttpFrontTest() {
    health_.SetStarted();
    Serve({"a:1", "b:1"});
  }

  std::shared_ptr<FakeResponder> Ask(const std::string& method, const std::string& path,
                                     const std::string& body = "",
                                     const std::string& type = "application/json") {
    HttpRequest request{.id = "r1", .method = method, .path = path, .body = body};
    if (!type.empty()) request.fields.push_back({"content-type", type});
    auto responder = std::make_shared<FakeResponder>();
    front_.Handle(std::move(request), responder);
    return responder;
  }
  std::shared_ptr<FakeResponder> Chat(const std::string& more = "") {
    return Ask("POST", "/v1/chat/completions", kChat + more + "}");
  }
  void RunToEnd(const FakeResponder& responder) {
    loop_.RunUntil([&] { return responder.done(); }, loop_.Now() + Seconds(700));
    loop_.RunUntil([] { return false; }, loop_.Now() + Milliseconds(1));
  }
  std::string WholeText() const {
    std::string text;
    for (uint32_t i = 0; i < script_.token_count; ++i) text += TrueText(42, i);
    return text;
  }
  // The concatenated contents of a stream's deltas.
  static std::string StreamedText(const std::string& body) {
    std::string text;
    for (size_t at = body.find("\"content\":\""); at != std::string::npos;
         at = body.find("\"content\":\"", at + 1)) {
      const size_t begin = at + 11;
      text += body.substr(begin, body.find('"', begin) - begin);
    }
    return text;
  }

  ManualClock clock_{TimePoint(), 1700000000};
  HealthState health_{clock_};
  ProxyOptions options_;
  InferenceProxy proxy_{{.loop = loop_,
                         .clock = clock_,
                         .entropy = entropy_,
                         .log = log_,
                         .coordinators = set_,
                         .probe = probe_},
                        options_};
  HttpFront front_{{.loop = loop_,
                    .clock = clock_,
                    .entropy = entropy_,
                    .proxy = proxy_,
                    .health = health_,
                    .probe = probe_,
                    .limits = {}}};
};

TEST_F(HttpFrontTest, AnswersAChatWhole) {
  const auto responder = Chat();
  RunToEnd(*responder);
  ASSERT_TRUE(responder->response.has_value());
  EXPECT_EQ(responder->response->status, 200);
  const auto body = ParseJson(responder->response->body);
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(*body->Find("object")->AsString(), "chat.completion");
  EXPECT_EQ(*body->Find("model")->AsString(), "demo");
  const JsonValue& choice = body->Find("choices")->AsArray()->front();
  EXPECT_EQ(*choice.Find("message")->Find("content")->AsString(), WholeText());
  EXPECT_EQ(*choice.Find("finish_reason")->AsString(), "length");
  EXPECT_EQ(body->Find("usage")->Find("total_tokens")->AsNumber()->magnitude, 8U);
  EXPECT_EQ(proxy_.http_requests(), 0U);
  EXPECT_EQ(proxy_.admission().in_flight(), 0U);
}

TEST_F(HttpFrontTest, StreamsTheSameBytesThroughADeath) {
  const auto calm = Chat(R"(,"stream":true,"stream_options":{"include_usage":true})");
  RunToEnd(*calm);
  EXPECT_TRUE(calm->finished);
  EXPECT_TRUE(calm->body.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(StreamedText(calm->body), WholeText());
  script_.fault = [](size_t attempt, const std::string&, int index) -> std::optional<Status> {
    if (attempt == 1 && index == 2) return Unavailable("killed");
    return std::nullopt;
  };
  const auto broken = Chat(R"(,"stream":true,"stream_options":{"include_usage":true})");
  RunToEnd(*broken);
  EXPECT_EQ(script_.calls.size(), 3U);
  EXPECT_EQ(broken->body.size(), calm->body.size());
  EXPECT_EQ(StreamedText(broken->body), WholeText());
}

TEST_F(HttpFrontTest, CountsARefusalBeforeAnyModelIsKnownAsRejected) {
  set_.SetAddresses({});
  const auto responder = Chat();
  RunToEnd(*responder);
  ASSERT_TRUE(responder->response.has_value());
  EXPECT_EQ(responder->response->status, 503);
  EXPECT_NE(responder->response->body.find(R"("code":"model_loading")"), std::string::npos);
  EXPECT_EQ(Counted("requests_rejected_total{reason=\"no_backend\"}"), 1);
}

TEST_F(HttpFrontTest, BreaksAStreamThatFailsLate) {
  script_.fault = [](size_t, const std::string&, int index) -> std::optional<Status> {
    if (index < 2) return std::nullopt;
    return WithDetail(Unavailable("expert 3 is gone"), ErrorDetail{.code = "expert_unavailable"});
  };
  const auto responder = Chat(R"(,"stream":true)");
  RunToEnd(*responder);
  EXPECT_TRUE(responder->broken);
  EXPECT_FALSE(responder->finished);
  EXPECT_EQ(responder->body.find("[DONE]"), std::string::npos);
  EXPECT_EQ(responder->body.find("\"finish_reason\":\""), std::string::npos);
  EXPECT_NE(responder->body.find(R"("code":"expert_unavailable")"), std::string::npos);
}

TEST_F(HttpFrontTest, SaysAnEarlyFailureWithAStatus) {
  script_.fault = [](size_t, const std::string&, int) {
    return std::optional(BadField("messages", "context_length_exceeded", "5000 over 4096"));
  };
  const auto responder = Chat(R"(,"stream":true)");
  RunToEnd(*responder);
  ASSERT_TRUE(responder->response.has_value());
  EXPECT_EQ(responder->response->status, 400);
  EXPECT_EQ(responder->stream_status, 0);
}

TEST_F(HttpFrontTest, CancelsUpstreamWhenTheClientGoes) {
  for (const char* const stream : {"", R"(,"stream":true)"}) {
    const auto responder = Chat(stream);
    loop_.RunUntil([&] { return script_.open_streams == 1; }, loop_.Now() + Seconds(1));
    responder->on_disconnect();
    loop_.RunUntil([] { return false; }, loop_.Now() + Milliseconds(1));
    EXPECT_EQ(script_.open_streams, 0U);
    EXPECT_EQ(proxy_.http_requests(), 0U);
    EXPECT_EQ(proxy_.admission().in_flight(), 0U);
  }
}

TEST_F(HttpFrontTest, StopsReadingForASlowClient) {
  script_.token_count = 2000;
  const auto responder = Chat(R"(,"stream":true)");
  responder->stuck = true;
  loop_.RunUntil([&] { return responder->on_writable != nullptr; }, loop_.Now() + Seconds(60));
  const size_t size = responder->body.size();
  EXPECT_LT(size, RequestOptions{}.pause_bytes + 1024);
  loop_.RunUntil([] { return false; }, loop_.Now() + Seconds(100));
  EXPECT_EQ(responder->body.size(), size) << "not even a comment: bytes are on their way";
  responder->stuck = false;
  responder->pending = 0;
  responder->on_writable();
  RunToEnd(*responder);
  EXPECT_TRUE(responder->finished);
  EXPECT_EQ(StreamedText(responder->body), WholeText());
}

TEST_F(HttpFrontTest, SendsCommentsWhileSilent) {
  script_.silent["a:1"] = script_.silent["b:1"] = true;
  const auto responder = Chat(R"(,"stream":true)");
  loop_.RunUntil([] { return false; }, loop_.Now() + Seconds(16));
  EXPECT_EQ(responder->body, ": ping\n\n");
  EXPECT_EQ(responder->stream_status, 200);
}

TEST_F(HttpFrontTest, OrdersChoicesByPromptAndNumber) {
  const auto responder =
      Ask("POST", "/v1/completions",
          R"({"model":"mixtral-8x7b","seed":42,"prompt":["one","two"],"n":2,"max_tokens":5})");
  RunToEnd(*responder);
  ASSERT_TRUE(responder->response.has_value());
  const auto body = ParseJson(responder->response->body);
  ASSERT_TRUE(body.ok()) << responder->response->body;
  EXPECT_EQ(*body->Find("model")->AsString(), "demo");
  const auto& choices = *body->Find("choices")->AsArray();
  ASSERT_EQ(choices.size(), 4U);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(choices[i].Find("index")->AsNumber()->magnitude, i);
    EXPECT_EQ(script_.calls[i].sampling.seed, 42U + i % 2);
  }
  EXPECT_EQ(body->Find("usage")->Find("prompt_tokens")->AsNumber()->magnitude, 6U);
  EXPECT_EQ(body->Find("usage")->Find("completion_tokens")->AsNumber()->magnitude, 20U);
}

TEST_F(HttpFrontTest, ALaterChoiceWaitsForFullCoordinators) {
  // The first sixteen run at once; the rest find both coordinators full for a while.
  script_.fault = [this](size_t attempt, const std::string&, int) -> std::optional<Status> {
    const bool full = attempt >= 16 && loop_.Now() < TimePoint(Seconds(3));
    return full ? std::optional<Status>(ResourceExhausted("queue full")) : std::nullopt;
  };
  const auto responder =
      Ask("POST", "/v1/completions",
          R"({"model":"demo","prompt":["1","2","3","4","5","6"],"n":3,"max_tokens":5})");
  RunToEnd(*responder);
  ASSERT_TRUE(responder->response.has_value());
  EXPECT_EQ(responder->response->status, 200) << responder->response->body;
  EXPECT_GT(script_.calls.size(), 18U) << "a test of nothing";
}

TEST_F(HttpFrontTest, BoundsTheLogprobsOfAWholeAnswer) {
  const auto ask = [&](const std::string& more) {
    const auto responder = Chat(R"(,"logprobs":true)" + more);
    RunToEnd(*responder);
    return responder->response.has_value() ? responder->response->status : 0;
  };
  script_.context_length = 100'000;
  loop_.RunUntil([] { return false; }, loop_.Now() + Seconds(2));
  EXPECT_EQ(ask(""), 200);
  EXPECT_EQ(ask(R"(,"top_logprobs":10)"), 400) << "a token limit is missing";
  EXPECT_EQ(ask(R"(,"top_logprobs":10,"stream":true)"), 0);
  EXPECT_EQ(ask(R"(,"top_logprobs":10,"max_tokens":5000)"), 200);
  EXPECT_EQ(ask(R"(,"top_logprobs":20,"max_tokens":8000,"n":8)"), 400);
  const auto echo = Ask("POST", "/v1/completions",
                        R"({"model":"demo","echo":true,"max_tokens":0,"logprobs":20,"prompt":")" +
                            std::string(60'000, 'a') + R"("})");
  RunToEnd(*echo);
  EXPECT_EQ(echo->response->status, 400);
  EXPECT_NE(echo->response->body.find(R"("param":"logprobs")"), std::string::npos);
}

TEST_F(HttpFrontTest, DeniesByDefault) {
  struct Case {
    const char* method;
    const char* path;
    int status;
    const char* code;
  };
  const Case cases[] = {{"GET", "/", 404, "unknown_url"},
                        {"POST", "/v1/embeddings", 404, "unknown_url"},
                        {"GET", "/metrics", 404, "unknown_url"},
                        {"GET", "/v1/modelsx", 404, "unknown_url"},
                        {"GET", "/v1/chat/completions", 405, "method_not_allowed"},
                        {"DELETE", "/v1/models", 405, "method_not_allowed"},
                        {"GET", "/v1/models/nothing", 404, "model_not_found"},
                        {"POST", "/v1/chat/completions", 400, "invalid_json"}};
  for (const Case& c : cases) {
    const auto responder = Ask(c.method, c.path);
    RunToEnd(*responder);
    ASSERT_TRUE(responder->response.has_value()) << c.path;
    EXPECT_EQ(responder->response->status, c.status) << c.path;
    EXPECT_NE(responder->response->body.find(c.code), std::string::npos) << c.path;
  }
  const auto text = Ask("POST", "/v1/completions", "{}", "text/plain");
  EXPECT_EQ(text->response->status, 415);
  const auto unknown = Ask("POST", "/v1/completions", R"({"model":"gpt-9","prompt":"x"})");
  RunToEnd(*unknown);
  EXPECT_EQ(unknown->response->status, 404);
}

// What else a body may be encoded in, the gate has refused.
TEST_F(HttpFrontTest, TakesABodyThatIsSaidNotToBeEncoded) {
  HttpRequest request{.id = "r1", .method = "POST", .path = "/v1/chat/completions"};
  request.fields = {{"content-type", "application/json"}, {"content-encoding", "identity"}};
  request.body = std::string(kChat) + "}";
  const auto responder = std::make_shared<FakeResponder>();
  front_.Handle(std::move(request), responder);
  RunToEnd(*responder);
  ASSERT_TRUE(responder->response.has_value());
  EXPECT_EQ(responder->response->status, 200) << responder->response->body;
}

TEST_F(HttpFrontTest, ListsModelsUnderEveryName) {
  for (const char* const path : {"/v1/models/demo", "/v1/models/mixtral-8x7b",
                                 "/v1/models/mistralai/Mixtral-8x7B-Instruct-v0.1",
                                 "/v1/models/mistralai%2FMixtral-8x7B-Instruct-v0.1"}) {
    const auto responder = Ask("GET", path);
    RunToEnd(*responder);
    EXPECT_EQ(responder->response->status, 200) << path;
    EXPECT_NE(responder->response->body.find(R"({"id":"demo","object":"model")"),
              std::string::npos);
  }
  const auto list = Ask("GET", "/v1/models");
  RunToEnd(*list);
  EXPECT_TRUE(list->response->body.starts_with(R"({"object":"list","data":[{"id":"demo")"));
}

TEST_F(HttpFrontTest, CountsAMethodAsWhatItWas) {
  MetricRegistry metrics;
  const RouterProbe probe(metrics);
  HttpFront front({.loop = loop_,
                   .clock = clock_,
                   .entropy = entropy_,
                   .proxy = proxy_,
                   .health = health_,
                   .probe = probe,
                   .limits = {}});
  for (const char* const path : {"/health", "/v1/models"}) {
    const auto responder = std::make_shared<FakeResponder>();
    front.Handle(HttpRequest{.id = "r1", .method = "HEAD", .path = path}, responder);
    RunToEnd(*responder);
    const std::string labels = R"({code="200",method="HEAD",route=")" + std::string(path) + "\"}";
    EXPECT_NE(metrics.Text().find("windrose_router_http_requests_total" + labels + " 1"),
              std::string::npos)
        << metrics.Text();
  }
}

TEST_F(HttpFrontTest, TellsHealth) {
  EXPECT_EQ(Ask("GET", "/health")->response->status, 200);
  health_.SetDraining();
  EXPECT_EQ(Ask("GET", "/readyz")->response->status, 503);
}

}  // namespace
}  // namespace windrose::router
