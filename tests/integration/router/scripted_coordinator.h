// A coordinator behind a real socket whose answer is a pure function of the request, and which can
// be killed: its port closes and its streams break. Thread-safe.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "common/net/request_taken.h"
#include "windrose/inference/v1/inference.grpc.pb.h"

namespace windrose::router {

namespace pb = ::windrose::inference::v1;

constexpr uint32_t kScriptedTokens = 20;

inline std::string ScriptedText(uint64_t seed, uint32_t index) {
  std::string text = "w";
  text += std::to_string((seed + index * 13) % 97);
  text += ' ';
  return text;
}

class ScriptedService final : public pb::InferenceService::Service {
 public:
  // The stream breaks before the token of this index, once; -1: never.
  std::atomic<int> break_before{-1};
  std::atomic<int> deaths_on_taking{0};  // how many streams still break once they are taken
  std::atomic<int> deaths_before{0};     // how many still break before
  std::atomic<int> streams{0};
  std::atomic<int> cancelled{0};
  std::atomic<bool> endless{false};
  std::atomic<bool> slow{false};                 // a millisecond for each token
  std::atomic<int64_t> tokenize_time_left_s{0};  // of the last Tokenize

  grpc::Status Generate(grpc::ServerContext* context, const pb::GenerateRequest* request,
                        grpc::ServerWriter<pb::GenerateEvent>* writer) override {
    ++streams;
    if (deaths_before-- > 0) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "killed");
    if (deaths_on_taking-- > 0) {
      context->AddInitialMetadata(kRequestTakenKey, "1");
      writer->SendInitialMetadata();
      return grpc::Status(grpc::StatusCode::UNAVAILABLE, "killed");
    }
    pb::GenerateEvent event;
    event.mutable_started()->set_model("demo");
    event.mutable_started()->set_prompt_tokens(3);
    writer->Write(event);
    // A stream that is endless no longer ends soon.
    const auto count = [this] { return endless ? 1'000'000 : kScriptedTokens; };
    for (auto i = static_cast<uint32_t>(request->resume_tokens_size()); i < count(); ++i) {
      int wanted = static_cast<int>(i);
      if (break_before.compare_exchange_strong(wanted, -1)) {
        return grpc::Status(grpc::StatusCode::UNAVAILABLE, "killed");
      }
      if (slow) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      pb::GenerateEvent token;
      token.mutable_token()->set_index(i);
      token.mutable_token()->set_id(i);
      token.mutable_token()->set_text(ScriptedText(request->sampling().seed(), i));
      if (context->IsCancelled() || !writer->Write(token)) {
        ++cancelled;
        return grpc::Status::CANCELLED;
      }
    }
    pb::GenerateEvent end;
    end.mutable_finished()->set_reason(pb::FINISH_REASON_STOP);
    end.mutable_finished()->set_generated_tokens(kScriptedTokens);
    writer->Write(end);
    return grpc::Status::OK;
  }

  grpc::Status ListModels(grpc::ServerContext*, const pb::ListModelsRequest*,
                          pb::ListModelsResponse* response) override {
    pb::Model& model = *response->add_models();
    model.set_id("demo");
    model.set_context_length(4096);
    model.set_ready(true);
    return grpc::Status::OK;
  }

  grpc::Status Tokenize(grpc::ServerContext* context, const pb::TokenizeRequest* request,
                        pb::TokenizeResponse* response) override {
    tokenize_time_left_s =
        (context->deadline() - std::chrono::system_clock::now()) / std::chrono::seconds(1);
    for (const char c : request->text().text()) response->add_ids(static_cast<unsigned char>(c));
    return grpc::Status::OK;
  }
};

// Serves a ScriptedService on a port of its own.
class ScriptedCoordinator {
 public:
  explicit ScriptedCoordinator(int port = 0) : port_(port) {
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port_),
                             grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service);
    server_ = builder.BuildAndStart();
  }
  ~ScriptedCoordinator() {
    if (server_ != nullptr) server_->Shutdown(gpr_now(GPR_CLOCK_MONOTONIC));
  }

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  ScriptedService service;

 private:
  int port_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace windrose::router
