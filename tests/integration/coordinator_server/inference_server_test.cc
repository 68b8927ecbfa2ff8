// The real server on a free port, with a scripted generator behind it.
#include "coordinator/server/inference_server.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/bounded_queue.h"
#include "common/net/request_taken.h"
#include "google/rpc/status.pb.h"
#include "tests/integration/coordinator_server/scripted_generator.h"
#include "tests/unit/coordinator/server/fixtures.h"
#include "windrose/inference/v1/inference.grpc.pb.h"

namespace windrose {
namespace {

namespace pb = inference::v1;

class ThreadSafeEntropy final : public Entropy {
 public:
  uint64_t Next() override { return SystemEntropy().Next(); }
};

class CountingObserver final : public InferenceObserver {
 public:
  void OnTokenized(Duration) override {
    ++tokenized;
    if (on_tokenized) on_tokenized();
  }
  void OnCallEnded(std::string_view, StatusCode, Duration) override {}
  std::atomic<int> tokenized{0};
  std::function<void()> on_tokenized;
};

// A request on its own client thread's worth of state.
struct Stream {
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReader<pb::GenerateEvent>> reader;
};

class InferenceServerTest : public testing::Test {
 protected:
  void StartServer(InferenceServerOptions options = {}) {
    auto server = InferenceServer::Start(
        options, {model_, Mixtral(), generator_, clock_, entropy_, observer_, log_});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = std::move(server).value();
    server_->SetServing(true);
    channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->port()),
                                   grpc::InsecureChannelCredentials());
    stub_ = pb::InferenceService::NewStub(channel_);
  }

  static pb::GenerateRequest Chat() {
    pb::GenerateRequest request;
    auto* message = request.mutable_chat()->add_messages();
    message->set_role("user");
    message->set_content("Hi");
    request.set_max_tokens(1000);
    return request;
  }

  std::unique_ptr<Stream> Open(const pb::GenerateRequest& request) {
    auto stream = std::make_unique<Stream>();
    stream->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    stream->reader = stub_->Generate(&stream->context, request);
    return stream;
  }

  // The status of a request that is refused before any event.
  grpc::Status Refusal(const pb::GenerateRequest& request) {
    const auto stream = Open(request);
    pb::GenerateEvent event;
    EXPECT_FALSE(stream->reader->Read(&event));
    return stream->reader->Finish();
  }

  bool ListsAReadyModel() {
    grpc::ClientContext context;
    pb::ListModelsResponse models;
    EXPECT_TRUE(stub_->ListModels(&context, pb::ListModelsRequest(), &models).ok());
    return models.models_size() == 1 && models.models(0).ready();
  }

  // The request of `index` ends without a token, and so does its stream.
  void EndWithoutTokens(Stream& stream, size_t index) {
    const auto sink = generator_.WaitForSink(index);
    ASSERT_NE(sink, nullptr);
    sink->OnStarted({});
    sink->OnFinished({FinishReason::kLength, "", "", 0});
    pb::GenerateEvent event;
    while (stream.reader->Read(&event)) continue;
    EXPECT_TRUE(stream.reader->Finish().ok());
  }

  static pb::ErrorDetail Detail(const grpc::Status& status) {
    google::rpc::Status details;
    EXPECT_TRUE(details.ParseFromString(status.error_details()));
    pb::ErrorDetail detail;
    EXPECT_TRUE(details.details_size() == 1 && details.details(0).UnpackTo(&detail));
    return detail;
  }

  // Minimal grpc.health.v1 client: the messages have one field each.
  grpc::Status CheckHealth(const std::string& service, int* serving) {
    grpc::ClientContext context;
    std::string bytes;
    if (!service.empty()) {
      bytes = std::string("\x0A") + static_cast<char>(service.size()) + service;
    }
    grpc::Slice slice(bytes);
    grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::Status status;
    grpc::CompletionQueue queue;
    const auto call = grpc::GenericStub(channel_).PrepareUnaryCall(
        &context, "/grpc.health.v1.Health/Check", request, &queue);
    call->StartCall();
    call->Finish(&response, &status, this);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    grpc::Slice answer;
    if (status.ok() && response.DumpToSingleSlice(&answer).ok()) {
      *serving = answer.size() == 2 ? answer.begin()[1] : 0;
    }
    return status;
  }

  ServedModel model_ = MixtralModel(2000);
  ScriptedGenerator generator_;
  SystemClock clock_;
  ThreadSafeEntropy entropy_;
  CountingObserver observer_;
  NullLog log_;
  std::unique_ptr<InferenceServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<pb::InferenceService::Stub> stub_;
};

TEST_F(InferenceServerTest, StreamsStartedTokensAndFinishedInOrder) {
  StartServer();
  const auto stream = Open(Chat());
  const auto sink = generator_.WaitForSink(0);
  ASSERT_NE(sink, nullptr);
  EXPECT_TRUE(generator_.request(0).drop_leading_space);
  sink->OnStarted({});
  pb::GenerateEvent event;
  ASSERT_TRUE(stream->reader->Read(&event));  // before any token is made
  EXPECT_EQ(event.started().prompt_tokens(), generator_.request(0).prompt.size());
  EXPECT_EQ(event.started().max_tokens(), generator_.request(0).max_tokens);
  for (uint32_t i = 0; i < 500; ++i) {
    sink->OnToken({.id = TokenId(22557), .index = i, .text = std::to_string(i)});
  }
  sink->OnFinished({FinishReason::kStop, "tail", "", 500});
  for (uint32_t i = 0; i < 500; ++i) {
    ASSERT_TRUE(stream->reader->Read(&event));
    ASSERT_EQ(event.token().index(), i);
    ASSERT_EQ(event.token().text(), std::to_string(i));
  }
  ASSERT_TRUE(stream->reader->Read(&event));
  EXPECT_EQ(event.finished().text(), "tail");
  EXPECT_FALSE(stream->reader->Read(&event));
  EXPECT_TRUE(stream->reader->Finish().ok());
}

TEST_F(InferenceServerTest, SaysThatItHasTheRequestBeforeTheEngineDoes) {
  StartServer();
  BoundedQueue<bool> known(1);
  observer_.on_tokenized = [&] { EXPECT_TRUE(known.Pop(clock_.Now() + Seconds(5)).has_value()); };
  const auto stream = Open(Chat());
  stream->reader->WaitForInitialMetadata();
  EXPECT_EQ(stream->context.GetServerInitialMetadata().count(kRequestTakenKey), 1U);
  EXPECT_EQ(generator_.submission_count(), 0U);
  EXPECT_TRUE(known.Push(true));
  EndWithoutTokens(*stream, 0);
}

// More of them than gRPC has threads for callbacks, which are the workers' links', too.
TEST_F(InferenceServerTest, AnswersOthersWhileLongTextsAreMadeIntoTokens) {
  StartServer();
  const auto go_on = std::make_shared<BoundedQueue<bool>>(1);
  observer_.on_tokenized = [this, go_on] { go_on->Pop(clock_.Now() + Seconds(30)); };
  pb::GenerateRequest request = Chat();
  request.mutable_chat()->mutable_messages(0)->set_content(std::string(40'000, 'a'));
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 20; ++i) {
    streams.push_back(Open(request));
    streams.back()->reader->WaitForInitialMetadata();
    ASSERT_EQ(streams.back()->context.GetServerInitialMetadata().count(kRequestTakenKey), 1U);
  }
  EXPECT_TRUE(ListsAReadyModel());
  streams.front()->context.TryCancel();  // while its request is read
  go_on->Close();
  pb::GenerateEvent event;
  for (const auto& stream : streams) {
    const bool cancelled = stream == streams.front();
    EXPECT_FALSE(stream->reader->Read(&event));
    EXPECT_EQ(stream->reader->Finish().error_code(),
              cancelled ? grpc::StatusCode::CANCELLED : grpc::StatusCode::INVALID_ARGUMENT);
  }
}

TEST_F(InferenceServerTest, RefusesBeforeItTokenizesAndSaysNothingElse) {
  StartServer();
  for (const Status& refusal : {ResourceExhausted("full"), Unavailable("draining")}) {
    generator_.RefuseWith(refusal);
    const auto stream = Open(Chat());
    pb::GenerateEvent event;
    EXPECT_FALSE(stream->reader->Read(&event));
    EXPECT_FALSE(stream->reader->Finish().ok());
    EXPECT_EQ(stream->context.GetServerInitialMetadata().count(kRequestTakenKey), 0U);
  }
  EXPECT_EQ(observer_.tokenized, 0);
}

TEST_F(InferenceServerTest, EndsAtOnceWhenTheGeneratorAnswersInsideSubmit) {
  StartServer();
  generator_.RefuseWith(ResourceExhausted("server_overloaded: the queue is full"));
  const grpc::Status status = Refusal(Chat());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Detail(status).code(), "server_overloaded");
  EXPECT_EQ(Detail(status).retry_after_ms(), 1000U);
}

TEST_F(InferenceServerTest, SaysThatAnExpertIsMissing) {
  StartServer();
  generator_.RefuseWith(Unavailable("expert_unavailable: expert 3"));
  const grpc::Status status = Refusal(Chat());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Detail(status).code(), "expert_unavailable");
}

TEST_F(InferenceServerTest, RefusesBadRequestsWithoutTroublingTheEngine) {
  StartServer();
  pb::GenerateRequest request = Chat();
  request.set_max_tokens(100000);
  const grpc::Status status = Refusal(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Detail(status).code(), "context_length_exceeded");
  EXPECT_EQ(Detail(status).param(), "messages");
  EXPECT_EQ(generator_.submission_count(), 0U);
}

TEST_F(InferenceServerTest, TellsAnErrorAfterTokens) {
  StartServer();
  const auto stream = Open(Chat());
  const auto sink = generator_.WaitForSink(0);
  ASSERT_NE(sink, nullptr);
  sink->OnStarted({});
  pb::GenerateEvent event;
  ASSERT_TRUE(stream->reader->Read(&event));
  sink->OnError(Unavailable("expert_unavailable: expert 3 stayed away"));
  while (stream->reader->Read(&event)) EXPECT_FALSE(event.has_finished());
  EXPECT_EQ(Detail(stream->reader->Finish()).code(), "expert_unavailable");
}

TEST_F(InferenceServerTest, CancelsInTheEngineWhenTheClientGoes) {
  StartServer();
  const auto stream = Open(Chat());
  const auto sink = generator_.WaitForSink(0);
  ASSERT_NE(sink, nullptr);
  sink->OnStarted({});
  pb::GenerateEvent event;
  ASSERT_TRUE(stream->reader->Read(&event));
  stream->context.TryCancel();
  EXPECT_TRUE(generator_.WaitForCancel(0));
  EXPECT_EQ(stream->reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  // What the engine says after the end is dropped.
  sink->OnToken({.id = TokenId(100)});
  sink->OnFinished({});
}

TEST_F(InferenceServerTest, CancelsInTheEngineWhenTheDeadlinePasses) {
  StartServer();
  auto stream = std::make_unique<Stream>();
  stream->context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
  stream->reader = stub_->Generate(&stream->context, Chat());
  EXPECT_TRUE(generator_.WaitForCancel(0));
  EXPECT_EQ(stream->reader->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(InferenceServerTest, EndsACallAtTheServersTimeLimit) {
  InferenceServerOptions options;
  options.time_limit = Milliseconds(100);
  StartServer(options);
  const grpc::Status status = Refusal(Chat());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(Detail(status).code(), "timeout");
  EXPECT_TRUE(generator_.WaitForCancel(0));
}

TEST_F(InferenceServerTest, CutsAClientThatReadsNothingAtTheTimeLimit) {
  InferenceServerOptions options;
  options.time_limit = Milliseconds(500);
  StartServer(options);
  const auto stream = Open(Chat());
  const auto sink = generator_.WaitForSink(0);
  ASSERT_NE(sink, nullptr);
  sink->OnStarted({});
  // More than the flow-control windows hold, and nobody reads.
  for (uint32_t i = 0; i < 400; ++i) {
    sink->OnToken({.id = TokenId(100), .index = i, .text = std::string(1 << 16, 'x')});
  }
  EXPECT_TRUE(generator_.WaitForCancel(0));
  EXPECT_TRUE(server_->Drain(Seconds(5)));  // nothing is left open
}

TEST_F(InferenceServerTest, RefusesCallsBeyondItsLimit) {
  InferenceServerOptions options;
  options.open_calls = 1;
  StartServer(options);
  const auto stream = Open(Chat());
  const auto sink = generator_.WaitForSink(0);
  ASSERT_NE(sink, nullptr);
  EXPECT_EQ(Detail(Refusal(Chat())).code(), "server_overloaded");
  sink->OnError(Internal("over"));
}

TEST_F(InferenceServerTest, AnswersProbesBesideAsManyCallsAsMayBeOpen) {
  InferenceServerOptions options;
  options.open_calls = 2;
  options.grpc.concurrent_streams = 2;
  StartServer(options);
  const std::vector<std::unique_ptr<Stream>> streams = [this] {
    std::vector<std::unique_ptr<Stream>> open;
    while (open.size() < 2) open.push_back(Open(Chat()));
    return open;
  }();
  ASSERT_NE(generator_.WaitForSink(1), nullptr);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  pb::ListModelsResponse models;
  EXPECT_TRUE(stub_->ListModels(&context, pb::ListModelsRequest(), &models).ok());
  for (const auto& stream : streams) stream->context.TryCancel();
}

TEST_F(InferenceServerTest, DrainsRunningStreamsAndRefusesNewOnes) {
  StartServer();
  const auto stream = Open(Chat());
  const auto sink = generator_.WaitForSink(0);
  ASSERT_NE(sink, nullptr);
  sink->OnStarted({});
  bool all_ended = false;
  std::thread draining([&] { all_ended = server_->Drain(Seconds(10)); });
  while (ListsAReadyModel()) continue;
  const grpc::Status refused = Refusal(Chat());
  EXPECT_EQ(Detail(refused).code(), "draining");
  sink->OnFinished({FinishReason::kLength, "", "", 0});
  pb::GenerateEvent event;
  while (stream->reader->Read(&event)) continue;
  EXPECT_TRUE(stream->reader->Finish().ok());
  draining.join();
  EXPECT_TRUE(all_ended);
}

TEST_F(InferenceServerTest, AbortsWhatIsLeftWhenTheDrainsTimeIsOver) {
  StartServer();
  const auto stream = Open(Chat());
  const auto sink = generator_.WaitForSink(0);
  ASSERT_NE(sink, nullptr);
  sink->OnStarted({});
  EXPECT_FALSE(server_->Drain(Milliseconds(50)));
  EXPECT_TRUE(generator_.WaitForCancel(0));
  pb::GenerateEvent event;
  while (stream->reader->Read(&event)) EXPECT_FALSE(event.has_finished());
  const grpc::Status status = stream->reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Detail(status).code(), "draining");
}

TEST_F(InferenceServerTest, AnswersTheSameRequestTwice) {
  StartServer();
  pb::GenerateRequest request = Chat();
  request.mutable_sampling()->set_seed(5);
  for (size_t i = 0; i < 2; ++i) {
    const auto stream = Open(request);
    EndWithoutTokens(*stream, i);
  }
  EXPECT_EQ(generator_.request(0).prompt, generator_.request(1).prompt);
  EXPECT_EQ(generator_.request(0).sampling.seed, generator_.request(1).sampling.seed);
}

TEST_F(InferenceServerTest, SpeaksHealth) {
  StartServer();
  int serving = 0;
  EXPECT_TRUE(CheckHealth("", &serving).ok());
  EXPECT_EQ(serving, 1);
  EXPECT_TRUE(CheckHealth("windrose.inference.v1.InferenceService", &serving).ok());
  EXPECT_EQ(serving, 1);
  EXPECT_EQ(CheckHealth("no.such.Service", &serving).error_code(), grpc::StatusCode::NOT_FOUND);
  server_->SetServing(false);
  EXPECT_TRUE(CheckHealth("", &serving).ok());
  EXPECT_EQ(serving, 2);
}

TEST_F(InferenceServerTest, ServesTheUnaryMethods) {
  StartServer();
  grpc::ClientContext tokenize_context;
  pb::TokenizeRequest tokenize;
  tokenize.mutable_text()->set_text("Hello");
  pb::TokenizeResponse tokens;
  EXPECT_TRUE(stub_->Tokenize(&tokenize_context, tokenize, &tokens).ok());
  EXPECT_EQ(tokens.ids_size(), 2);
  grpc::ClientContext models_context;
  pb::ListModelsResponse models;
  EXPECT_TRUE(stub_->ListModels(&models_context, pb::ListModelsRequest(), &models).ok());
  EXPECT_TRUE(models.models(0).ready());
  grpc::ClientContext detokenize_context;
  pb::DetokenizeRequest detokenize;
  detokenize.add_ids(99999);
  pb::DetokenizeResponse text;
  EXPECT_EQ(stub_->Detokenize(&detokenize_context, detokenize, &text).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(InferenceServerTest, RefusesMessagesBeyondItsLimit) {
  InferenceServerOptions options;
  options.grpc.message_bytes = 1 << 16;
  StartServer(options);
  pb::GenerateRequest request = Chat();
  request.mutable_chat()->mutable_messages(0)->set_content(std::string(1 << 17, 'a'));
  EXPECT_EQ(Refusal(request).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(InferenceServerTest, RefusesAClearTextListenerBeyondLoopback) {
  InferenceServerOptions options;
  options.listen = {"0.0.0.0", 0};
  const InferenceServerParts parts = {model_,   Mixtral(), generator_, clock_,
                                      entropy_, observer_, log_};
  EXPECT_FALSE(InferenceServer::Start(options, parts).ok());
  options.allow_insecure = true;
  EXPECT_TRUE(InferenceServer::Start(options, parts).ok());
}

}  // namespace
}  // namespace windrose
