#include "router/upstream/inference_proto.h"

#include <utility>

#include "google/rpc/status.pb.h"
#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

template <typename Ids>
std::vector<TokenId> ToTokenIds(const Ids& ids) {
  std::vector<TokenId> result;
  result.reserve(static_cast<size_t>(ids.size()));
  for (const uint32_t id : ids) result.push_back(TokenId(id));
  return result;
}

void ToProto(const ChatPrompt& prompt, proto::ChatPrompt& out) {
  for (const ChatMessage& message : prompt.messages) {
    proto::ChatMessage& added = *out.add_messages();
    added.set_role(message.role);
    added.set_content(message.content);
  }
  out.set_continue_final_message(prompt.continue_final_message);
}

void ToProto(const TextPrompt& prompt, proto::TextPrompt& out) {
  out.set_text(prompt.text);
  out.set_omit_bos(prompt.omit_bos);
}

void ToProto(const Sampling& sampling, proto::SamplingParams& out) {
  if (sampling.temperature.has_value()) out.set_temperature(*sampling.temperature);
  if (sampling.top_p.has_value()) out.set_top_p(*sampling.top_p);
  out.set_top_k(sampling.top_k);
  out.set_min_p(sampling.min_p);
  if (sampling.seed.has_value()) out.set_seed(*sampling.seed);
  if (sampling.repetition_penalty.has_value()) {
    out.set_repetition_penalty(*sampling.repetition_penalty);
  }
  out.set_presence_penalty(sampling.presence_penalty);
  out.set_frequency_penalty(sampling.frequency_penalty);
  for (const auto& [id, bias] : sampling.logit_bias) (*out.mutable_logit_bias())[id.value()] = bias;
}

void ToProto(const TokenLogprob& token, proto::TokenLogprob& out) {
  out.set_id(token.id.value());
  out.set_text(token.text);
  out.set_logprob(token.logprob);
}

void ToProto(const TokenEvent& token, proto::Token& out) {
  out.set_id(token.id.value());
  out.set_index(token.index);
  out.set_text(token.text);
  if (token.logprob.has_value()) ToProto(*token.logprob, *out.mutable_logprob());
  for (const TokenLogprob& other : token.top) ToProto(other, *out.add_top());
}

void ToProto(const StartedEvent& event, proto::Started& out) {
  out.set_model(event.model);
  out.set_prompt_tokens(event.prompt_tokens);
  for (const TokenEvent& token : event.prompt) ToProto(token, *out.add_prompt());
  out.set_system_fingerprint(event.system_fingerprint);
  if (event.max_tokens.has_value()) out.set_max_tokens(*event.max_tokens);
}

void ToProto(const FinishedEvent& event, proto::Finished& out) {
  out.set_reason(event.reason == FinishReason::kStop ? proto::FINISH_REASON_STOP
                                                     : proto::FINISH_REASON_LENGTH);
  out.set_text(event.text);
  out.set_stop_string(event.stop_string);
  out.set_prompt_tokens(event.prompt_tokens);
  out.set_generated_tokens(event.generated_tokens);
}

void ToProto(const ErrorDetail& detail, proto::ErrorDetail& out) {
  out.set_code(detail.code);
  out.set_param(detail.param);
  out.set_retry_after_ms(detail.retry_after_ms);
}

ChatPrompt FromProto(const proto::ChatPrompt& in) {
  ChatPrompt prompt;
  for (const proto::ChatMessage& message : in.messages()) {
    prompt.messages.push_back(ChatMessage{.role = message.role(), .content = message.content()});
  }
  prompt.continue_final_message = in.continue_final_message();
  return prompt;
}

TextPrompt FromProto(const proto::TextPrompt& in) {
  return TextPrompt{.text = in.text(), .omit_bos = in.omit_bos()};
}

Sampling FromProto(const proto::SamplingParams& in) {
  Sampling sampling;
  if (in.has_temperature()) sampling.temperature = in.temperature();
  if (in.has_top_p()) sampling.top_p = in.top_p();
  sampling.top_k = in.top_k();
  sampling.min_p = in.min_p();
  if (in.has_seed()) sampling.seed = in.seed();
  if (in.has_repetition_penalty()) sampling.repetition_penalty = in.repetition_penalty();
  sampling.presence_penalty = in.presence_penalty();
  sampling.frequency_penalty = in.frequency_penalty();
  for (const auto& [id, bias] : in.logit_bias()) sampling.logit_bias[TokenId(id)] = bias;
  return sampling;
}

TokenLogprob FromProto(proto::TokenLogprob&& in) {
  return TokenLogprob{
      .id = TokenId(in.id()), .text = std::move(*in.mutable_text()), .logprob = in.logprob()};
}

TokenEvent FromProto(proto::Token&& in) {
  TokenEvent token{.id = TokenId(in.id()), .index = in.index()};
  token.text = std::move(*in.mutable_text());
  if (in.has_logprob()) token.logprob = FromProto(std::move(*in.mutable_logprob()));
  token.top.reserve(static_cast<size_t>(in.top_size()));
  for (proto::TokenLogprob& other : *in.mutable_top()) {
    token.top.push_back(FromProto(std::move(other)));
  }
  return token;
}

StartedEvent FromProto(proto::Started&& in) {
  StartedEvent event{.model = in.model(), .prompt_tokens = in.prompt_tokens()};
  event.prompt.reserve(static_cast<size_t>(in.prompt_size()));
  for (proto::Token& token : *in.mutable_prompt()) {
    event.prompt.push_back(FromProto(std::move(token)));
  }
  event.system_fingerprint = in.system_fingerprint();
  if (in.has_max_tokens()) event.max_tokens = in.max_tokens();
  return event;
}

StatusOr<FinishedEvent> FromProto(const proto::Finished& in) {
  if (in.reason() != proto::FINISH_REASON_STOP && in.reason() != proto::FINISH_REASON_LENGTH) {
    return Internal("a coordinator finished for an unknown reason, " +
                    std::to_string(static_cast<int>(in.reason())));
  }
  return FinishedEvent{.reason = in.reason() == proto::FINISH_REASON_STOP ? FinishReason::kStop
                                                                          : FinishReason::kLength,
                       .text = in.text(),
                       .stop_string = in.stop_string(),
                       .prompt_tokens = in.prompt_tokens(),
                       .generated_tokens = in.generated_tokens()};
}

ErrorDetail FromProto(const proto::ErrorDetail& in) {
  return ErrorDetail{.code = in.code(), .param = in.param(), .retry_after_ms = in.retry_after_ms()};
}

}  // namespace

void ToProto(const GenerateCall& call, proto::GenerateRequest& out) {
  out.set_request_id(call.request_id);
  out.set_model(call.model);
  if (const auto* chat = std::get_if<ChatPrompt>(&call.prompt)) ToProto(*chat, *out.mutable_chat());
  if (const auto* text = std::get_if<TextPrompt>(&call.prompt)) ToProto(*text, *out.mutable_text());
  if (const auto* tokens = std::get_if<TokenPrompt>(&call.prompt)) {
    proto::TokenPrompt& prompt = *out.mutable_tokens();
    for (const TokenId id : tokens->ids) prompt.add_ids(id.value());
  }
  ToProto(call.sampling, *out.mutable_sampling());
  if (call.max_tokens.has_value()) out.set_max_tokens(*call.max_tokens);
  for (const std::string& stop : call.stop) out.add_stop(stop);
  if (call.logprobs.has_value()) out.set_logprobs(*call.logprobs);
  out.set_echo(call.echo);
  out.set_ignore_eos(call.ignore_eos);
  for (const TokenId id : call.resume_tokens) out.add_resume_tokens(id.value());
}

void ToProto(const TokenizeCall& call, proto::TokenizeRequest& out) {
  out.set_model(call.model);
  if (const auto* chat = std::get_if<ChatPrompt>(&call.prompt)) ToProto(*chat, *out.mutable_chat());
  if (const auto* text = std::get_if<TextPrompt>(&call.prompt)) ToProto(*text, *out.mutable_text());
}

void ToProto(const DetokenizeCall& call, proto::DetokenizeRequest& out) {
  out.set_model(call.model);
  for (const TokenId id : call.ids) out.add_ids(id.value());
}

void ToProto(const GenerateEvent& event, proto::GenerateEvent& out) {
  if (const auto* started = std::get_if<StartedEvent>(&event)) {
    ToProto(*started, *out.mutable_started());
  } else if (const auto* token = std::get_if<TokenEvent>(&event)) {
    ToProto(*token, *out.mutable_token());
  } else {
    ToProto(std::get<FinishedEvent>(event), *out.mutable_finished());
  }
}

void ToProto(const Tokenized& tokenized, proto::TokenizeResponse& out) {
  for (const TokenId id : tokenized.ids) out.add_ids(id.value());
  for (const std::string& piece : tokenized.pieces) out.add_pieces(piece);
  out.set_max_model_length(tokenized.max_model_length);
}

void ToProto(const ModelInfo& info, proto::Model& out) {
  out.set_id(info.id);
  out.set_context_length(info.context_length);
  out.set_vocabulary_size(info.vocabulary_size);
  out.set_model_hash(info.model_hash);
  out.set_system_fingerprint(info.system_fingerprint);
  out.set_ready(info.ready);
}

StatusOr<GenerateCall> FromProto(const proto::GenerateRequest& in) {
  GenerateCall call{.request_id = in.request_id(), .model = in.model()};
  switch (in.prompt_case()) {
    case proto::GenerateRequest::kChat:
      call.prompt = FromProto(in.chat());
      break;
    case proto::GenerateRequest::kText:
      call.prompt = FromProto(in.text());
      break;
    case proto::GenerateRequest::kTokens:
      call.prompt = TokenPrompt{.ids = ToTokenIds(in.tokens().ids())};
      break;
    case proto::GenerateRequest::PROMPT_NOT_SET:
      return BadField("prompt", "missing_required_parameter", "'prompt' is missing");
  }
  call.sampling = FromProto(in.sampling());
  if (in.has_max_tokens()) call.max_tokens = in.max_tokens();
  call.stop.assign(in.stop().begin(), in.stop().end());
  if (in.has_logprobs()) call.logprobs = in.logprobs();
  call.echo = in.echo();
  call.ignore_eos = in.ignore_eos();
  call.resume_tokens = ToTokenIds(in.resume_tokens());
  return call;
}

StatusOr<TokenizeCall> FromProto(const proto::TokenizeRequest& in) {
  TokenizeCall call{.model = in.model(), .prompt = TextPrompt{}};
  switch (in.prompt_case()) {
    case proto::TokenizeRequest::kChat:
      call.prompt = FromProto(in.chat());
      return call;
    case proto::TokenizeRequest::kText:
      call.prompt = FromProto(in.text());
      return call;
    case proto::TokenizeRequest::PROMPT_NOT_SET:
      break;
  }
  return BadField("prompt", "missing_required_parameter", "'prompt' is missing");
}

DetokenizeCall FromProto(const proto::DetokenizeRequest& in) {
  return DetokenizeCall{.model = in.model(), .ids = ToTokenIds(in.ids())};
}

StatusOr<GenerateEvent> FromProto(proto::GenerateEvent&& in) {
  switch (in.event_case()) {
    case proto::GenerateEvent::kStarted:
      return GenerateEvent(FromProto(std::move(*in.mutable_started())));
    case proto::GenerateEvent::kToken:
      return GenerateEvent(FromProto(std::move(*in.mutable_token())));
    case proto::GenerateEvent::kFinished: {
      ASSIGN_OR_RETURN(FinishedEvent finished, FromProto(in.finished()));
      return GenerateEvent(std::move(finished));
    }
    case proto::GenerateEvent::EVENT_NOT_SET:
      break;
  }
  return Internal("a coordinator sent an event of an unknown kind");
}

Tokenized FromProto(const proto::TokenizeResponse& in) {
  return Tokenized{.ids = ToTokenIds(in.ids()),
                   .pieces = {in.pieces().begin(), in.pieces().end()},
                   .max_model_length = in.max_model_length()};
}

ModelInfo FromProto(const proto::Model& in) {
  return ModelInfo{.id = in.id(),
                   .context_length = in.context_length(),
                   .vocabulary_size = in.vocabulary_size(),
                   .model_hash = in.model_hash(),
                   .system_fingerprint = in.system_fingerprint(),
                   .ready = in.ready()};
}

grpc::Status ToGrpcStatus(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const auto code = static_cast<grpc::StatusCode>(status.code());
  const auto detail = DetailOf(status);
  if (!detail.has_value()) return grpc::Status(code, Message(status));
  proto::ErrorDetail message;
  ToProto(*detail, message);
  google::rpc::Status details;
  details.set_code(code);
  details.set_message(Message(status));
  details.add_details()->PackFrom(message);
  return grpc::Status(code, Message(status), details.SerializeAsString());
}

Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return OkStatus();
  const Status plain(static_cast<StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return plain;
  proto::ErrorDetail message;
  for (const google::protobuf::Any& detail : details.details()) {
    if (detail.UnpackTo(&message)) return WithDetail(plain, FromProto(message));
  }
  return plain;
}

}  // namespace windrose::router
