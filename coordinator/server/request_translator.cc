#include "coordinator/server/request_translator.h"

#include <string>
#include <utility>

#include "common/base/hex.h"
#include "coordinator/server/error_detail.h"
#include "coordinator/server/prompt_translator.h"
#include "coordinator/server/sampling_translator.h"
#include "coordinator/text/chat_template.h"

namespace windrose {
namespace {

namespace pb = inference::v1;

std::string MadeUpId(Entropy& entropy) { return "gen-" + HexDigits(entropy.Next(), 16); }

// Ids go to the logs of every process: printable ASCII only.
Status CheckRequestId(const std::string& id, const RequestLimits& limits) {
  if (id.size() > limits.request_id_bytes) {
    return FieldError("request_id",
                      "wanted at most " + std::to_string(limits.request_id_bytes) + " bytes");
  }
  for (const char byte : id) {
    if (byte <= ' ' || byte > '~') return FieldError("request_id", "wanted printable ASCII");
  }
  return OkStatus();
}

Status CheckStop(const pb::GenerateRequest& proto, const RequestLimits& limits) {
  const auto count = static_cast<size_t>(proto.stop_size());
  if (count > limits.stop_strings) {
    return FieldError("stop", "wanted at most " + std::to_string(limits.stop_strings) +
                                  " strings; got " + std::to_string(count));
  }
  for (const std::string& stop : proto.stop()) {
    if (!stop.empty() && stop.size() <= limits.stop_bytes) continue;
    return FieldError("stop", "wanted strings of 1 to " + std::to_string(limits.stop_bytes) +
                                  " bytes; got one of " + std::to_string(stop.size()));
  }
  return OkStatus();
}

Status CheckLogprobs(const pb::GenerateRequest& proto, const RequestLimits& limits) {
  if (!proto.has_logprobs() || proto.logprobs() <= limits.logprobs) return OkStatus();
  return FieldError("logprobs", "wanted at most " + std::to_string(limits.logprobs) + "; got " +
                                    std::to_string(proto.logprobs()));
}

// A conversation that ends with the assistant's closed message leaves nothing to answer.
Status CheckLastMessage(const pb::ChatPrompt& chat) {
  int last = chat.messages_size() - 1;
  while (last >= 0 && IsSystemRole(chat.messages(last).role())) --last;
  if (last < 0 || chat.continue_final_message()) return OkStatus();
  if (chat.messages(last).role() != "assistant") return OkStatus();
  return FieldError("messages[" + std::to_string(last) + "].role",
                    "wanted a user message at the end, or continue_final_message; got assistant");
}

}  // namespace

StatusOr<Request> RequestTranslator::Translate(const pb::GenerateRequest& proto) const {
  RETURN_IF_ERROR(CheckBeforePrompt(proto));
  Request request;
  ASSIGN_OR_RETURN(request.sampling,
                   TranslateSampling(proto.sampling(), model_.vocabulary_size, limits_, entropy_));
  ASSIGN_OR_RETURN(request.resume,
                   TranslateIds(tokenizer_, proto.resume_tokens(), "resume_tokens"));
  ASSIGN_OR_RETURN(request.prompt, TranslatePrompt(proto));
  ASSIGN_OR_RETURN(request.max_tokens, MaxTokens(proto, request.prompt.size()));
  request.id = proto.request_id().empty() ? MadeUpId(entropy_) : proto.request_id();
  request.stop.assign(proto.stop().begin(), proto.stop().end());
  if (proto.has_logprobs()) request.logprobs = proto.logprobs();
  request.echo = proto.echo();
  request.ignore_eos = proto.ignore_eos();
  // What continues a message of the assistant goes on from its text, space included.
  request.drop_leading_space = proto.has_chat() && !proto.chat().continue_final_message();
  RETURN_IF_ERROR(CheckResume(proto, request));
  RETURN_IF_ERROR(CheckEcho(request));
  return request;
}

Status RequestTranslator::CheckBeforePrompt(const pb::GenerateRequest& proto) const {
  RETURN_IF_ERROR(CheckModelName(model_, proto.model()));
  RETURN_IF_ERROR(CheckRequestId(proto.request_id(), limits_));
  RETURN_IF_ERROR(CheckStop(proto, limits_));
  RETURN_IF_ERROR(CheckLogprobs(proto, limits_));
  if (proto.has_max_tokens() && proto.max_tokens() == 0 && !proto.echo()) {
    return FieldError("max_tokens", "wanted at least 1 unless the prompt is echoed; got 0");
  }
  return proto.has_chat() ? CheckLastMessage(proto.chat()) : OkStatus();
}

StatusOr<std::vector<TokenId>> RequestTranslator::TranslatePrompt(
    const pb::GenerateRequest& proto) const {
  std::vector<TokenId> ids;
  switch (proto.prompt_case()) {
    case pb::GenerateRequest::kChat: {
      ASSIGN_OR_RETURN(ids, TranslateChat(tokenizer_, proto.chat(), limits_));
      break;
    }
    case pb::GenerateRequest::kText: {
      ASSIGN_OR_RETURN(ids, TranslateText(tokenizer_, proto.text(), limits_));
      break;
    }
    case pb::GenerateRequest::kTokens: {
      ASSIGN_OR_RETURN(ids, TranslateIds(tokenizer_, proto.tokens().ids(), "prompt"));
      break;
    }
    case pb::GenerateRequest::PROMPT_NOT_SET:
      return FieldError("prompt", "wanted chat, text or tokens; got none");
  }
  if (ids.empty()) return FieldError("prompt", "wanted at least one token; it is empty");
  return ids;
}

// Added in 64 bits: max_tokens may be 2^32 - 1.
StatusOr<uint32_t> RequestTranslator::MaxTokens(const pb::GenerateRequest& proto,
                                                size_t prompt_tokens) const {
  const uint64_t wanted = proto.has_max_tokens() ? proto.max_tokens() : 1;
  if (prompt_tokens + wanted > model_.context_length) {
    const std::string answer =
        proto.has_max_tokens() ? std::to_string(wanted) + " tokens to generate" : "an answer";
    // Gateways know the error by OpenAI's words.
    return WithErrorCode(
        InvalidArgument("This model's maximum context length is " +
                        std::to_string(model_.context_length) + " tokens; the prompt has " +
                        std::to_string(prompt_tokens) + " and " + answer + " must fit too"),
        "context_length_exceeded", proto.has_chat() ? "messages" : "prompt");
  }
  if (proto.has_max_tokens()) return proto.max_tokens();
  return model_.context_length - static_cast<uint32_t>(prompt_tokens);
}

Status RequestTranslator::CheckResume(const pb::GenerateRequest& proto,
                                      const Request& request) const {
  if (request.resume.empty()) return OkStatus();
  if (request.resume.size() > request.max_tokens) {
    return FieldError("resume_tokens", "wanted at most max_tokens, " +
                                           std::to_string(request.max_tokens) + "; got " +
                                           std::to_string(request.resume.size()));
  }
  if (request.sampling.temperature > 0 && !proto.sampling().has_seed()) {
    return FieldError("sampling.seed", "wanted with resume_tokens and a temperature above 0");
  }
  return OkStatus();
}

Status RequestTranslator::CheckEcho(const Request& request) const {
  if (!request.echo || !request.logprobs) return OkStatus();
  const size_t values = request.prompt.size() * (size_t{1} + *request.logprobs);
  if (values <= limits_.echo_logprobs) return OkStatus();
  return FieldError("logprobs", "wanted at most " + std::to_string(limits_.echo_logprobs) +
                                    " values for an echoed prompt; this one needs " +
                                    std::to_string(values));
}

}  // namespace windrose
