#include "coordinator/server/inference_service.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/server/error_detail.h"
#include "coordinator/server/prompt_translator.h"
#include "coordinator/text/detokenizer.h"

namespace windrose {

namespace pb = inference::v1;

InferenceService::InferenceService(std::shared_ptr<const CallEnvironment> environment,
                                   const RequestLimits& limits, Entropy& entropy)
    : environment_(std::move(environment)),
      limits_(limits),
      translator_(environment_->model, environment_->tokenizer, limits, entropy) {}

grpc::ServerWriteReactor<pb::GenerateEvent>* InferenceService::Generate(
    grpc::CallbackServerContext* context, const pb::GenerateRequest* request) {
  const TimePoint began = environment_->clock.Now();
  const auto call = std::make_shared<GenerateCall>(environment_, context, began);
  GenerateCall* const reactor = call.get();
  // From here it keeps itself alive; gRPC keeps the request until it is done.
  call->Start(request->ByteSizeLong(), [this, request] { return Translate(*request); });
  return reactor;
}

StatusOr<Request> InferenceService::Translate(const pb::GenerateRequest& request) const {
  const TimePoint began = environment_->clock.Now();
  StatusOr<Request> translated = translator_.Translate(request);
  environment_->observer.OnTokenized(environment_->clock.Now() - began);
  return translated;
}

grpc::ServerUnaryReactor* InferenceService::Tokenize(grpc::CallbackServerContext* context,
                                                     const pb::TokenizeRequest* request,
                                                     pb::TokenizeResponse* response) {
  return AnswerUnary(context, "Tokenize", request->ByteSizeLong(),
                     [this, request, response] { return TokenizeInto(*request, response); });
}

grpc::ServerUnaryReactor* InferenceService::Detokenize(grpc::CallbackServerContext* context,
                                                       const pb::DetokenizeRequest* request,
                                                       pb::DetokenizeResponse* response) {
  return AnswerUnary(context, "Detokenize", request->ByteSizeLong(),
                     [this, request, response] { return DetokenizeInto(*request, response); });
}

grpc::ServerUnaryReactor* InferenceService::ListModels(grpc::CallbackServerContext* context,
                                                       const pb::ListModelsRequest*,
                                                       pb::ListModelsResponse* response) {
  return AnswerUnary(context, "ListModels", 0, [this, response] {
    ListModelsInto(response);
    return OkStatus();
  });
}

Status InferenceService::TokenizeInto(const pb::TokenizeRequest& request,
                                      pb::TokenizeResponse* response) const {
  RETURN_IF_ERROR(CheckModelName(environment_->model, request.model()));
  ASSIGN_OR_RETURN(const std::vector<TokenId> ids, TokenIdsOf(request));
  for (const TokenId id : ids) {
    response->add_ids(id.value());
    response->add_pieces(std::string(environment_->tokenizer.Bytes(id)));
  }
  response->set_max_model_length(environment_->model.context_length);
  return OkStatus();
}

StatusOr<std::vector<TokenId>> InferenceService::TokenIdsOf(
    const pb::TokenizeRequest& request) const {
  const Tokenizer& tokenizer = environment_->tokenizer;
  switch (request.prompt_case()) {
    case pb::TokenizeRequest::kChat:
      return TranslateChat(tokenizer, request.chat(), limits_);
    case pb::TokenizeRequest::kText: {
      // Evaluation harnesses learn the control ids by asking for exactly their names. Only here: a
      // text that is generated from never becomes one.
      const StatusOr<TokenId> control = tokenizer.ControlPiece(request.text().text());
      if (control.ok() && request.text().omit_bos()) return std::vector<TokenId>{*control};
      return TranslateText(tokenizer, request.text(), limits_);
    }
    case pb::TokenizeRequest::PROMPT_NOT_SET:
      break;
  }
  return FieldError("prompt", "wanted chat or text; got none");
}

Status InferenceService::DetokenizeInto(const pb::DetokenizeRequest& request,
                                        pb::DetokenizeResponse* response) const {
  RETURN_IF_ERROR(CheckModelName(environment_->model, request.model()));
  ASSIGN_OR_RETURN(const std::vector<TokenId> ids,
                   TranslateIds(environment_->tokenizer, request.ids(), "ids"));
  response->set_text(
      windrose::Detokenize(environment_->tokenizer, ids, /*drop_leading_space=*/true));
  return OkStatus();
}

void InferenceService::ListModelsInto(pb::ListModelsResponse* response) const {
  const ServedModel& served = environment_->model;
  pb::Model* model = response->add_models();
  model->set_id(served.id);
  model->set_context_length(served.context_length);
  model->set_vocabulary_size(served.vocabulary_size);
  model->set_model_hash(served.model_hash);
  model->set_system_fingerprint(served.system_fingerprint);
  model->set_ready(!environment_->registry.draining() &&
                   environment_->generator.NotReadyReason().empty());
}

// gRPC keeps context, request and response until the reactor has finished.
grpc::ServerUnaryReactor* InferenceService::AnswerUnary(grpc::CallbackServerContext* context,
                                                        const char* method, size_t request_bytes,
                                                        std::function<Status()> answer) const {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const TimePoint began = environment_->clock.Now();
  const auto finish = [this, reactor, method, began](const Status& status) {
    environment_->observer.OnCallEnded(method, status.code(), environment_->clock.Now() - began);
    reactor->Finish(ToGrpcStatus(status, environment_->retry_after_ms));
  };
  const auto work = [finish, context, answer = std::move(answer)] {
    finish(context->IsCancelled() ? Cancelled("the client went away") : answer());
  };
  const Status waits = environment_->texts.Do(request_bytes, work);
  if (!waits.ok()) finish(waits);
  return reactor;
}

}  // namespace windrose
