// InferenceService: the methods of windrose.inference.v1.InferenceService.
//
// Owned by InferenceServer. Thread-safe; handlers run on gRPC's threads, where they check and
// tokenize what is short. Generate: deadline the client's or the time limit; repeatable with a
// seed. The others answer at once, read only, and may be repeated. Request sizes:
// GrpcSettings::message_bytes, then RequestLimits.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "common/base/random.h"
#include "coordinator/server/generate_call.h"
#include "coordinator/server/request_limits.h"
#include "coordinator/server/request_translator.h"
#include "windrose/inference/v1/inference.grpc.pb.h"

namespace windrose {

class InferenceService final : public inference::v1::InferenceService::CallbackService {
 public:
  // `limits` and `entropy` must outlive this.
  InferenceService(std::shared_ptr<const CallEnvironment> environment, const RequestLimits& limits,
                   Entropy& entropy);

  grpc::ServerWriteReactor<inference::v1::GenerateEvent>* Generate(
      grpc::CallbackServerContext* context, const inference::v1::GenerateRequest* request) override;
  grpc::ServerUnaryReactor* Tokenize(grpc::CallbackServerContext* context,
                                     const inference::v1::TokenizeRequest* request,
                                     inference::v1::TokenizeResponse* response) override;
  grpc::ServerUnaryReactor* Detokenize(grpc::CallbackServerContext* context,
                                       const inference::v1::DetokenizeRequest* request,
                                       inference::v1::DetokenizeResponse* response) override;
  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context,
                                       const inference::v1::ListModelsRequest* request,
                                       inference::v1::ListModelsResponse* response) override;

  // The same without gRPC, for tests.
  Status TokenizeInto(const inference::v1::TokenizeRequest& request,
                      inference::v1::TokenizeResponse* response) const;
  Status DetokenizeInto(const inference::v1::DetokenizeRequest& request,
                        inference::v1::DetokenizeResponse* response) const;
  void ListModelsInto(inference::v1::ListModelsResponse* response) const;

 private:
  StatusOr<Request> Translate(const inference::v1::GenerateRequest& request) const;
  StatusOr<std::vector<TokenId>> TokenIdsOf(const inference::v1::TokenizeRequest& request) const;
  grpc::ServerUnaryReactor* AnswerUnary(grpc::CallbackServerContext* context, const char* method,
                                        size_t request_bytes, std::function<Status()> answer) const;

  const std::shared_ptr<const CallEnvironment> environment_;
  const RequestLimits& limits_;
  RequestTranslator translator_;
};

}  // namespace windrose
