#include "router/api/error.h"

#include <algorithm>
#include <array>

#include "router/api/json.h"
#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

constexpr char kInvalidRequest[] = "invalid_request_error";
constexpr char kRateLimit[] = "rate_limit_error";
constexpr char kServerError[] = "server_error";
constexpr uint32_t kDefaultRetryMs = 1000;
// A coordinator names fields as the proto does; over HTTP those of sampling stand alone.
constexpr std::string_view kSamplingPrefix = "sampling.";

struct CodeRule {
  std::string_view code;
  int http_status;
  const char* type;
};

// What a detail's code means in HTTP, whatever the status code.
constexpr std::array<CodeRule, 16> kCodeRules{{
    {"context_length_exceeded", 400, kInvalidRequest},
    {"invalid_api_key", 401, kInvalidRequest},
    {"model_not_found", 404, kInvalidRequest},
    {"unknown_url", 404, kInvalidRequest},
    {"method_not_allowed", 405, kInvalidRequest},
    {"request_too_large", 413, kInvalidRequest},
    {"unsupported_media_type", 415, kInvalidRequest},
    {"rate_limit_exceeded", 429, kRateLimit},
    {"server_overloaded", 429, kRateLimit},
    {"request_quarantined", 500, kServerError},
    {"queue_timeout", 503, kServerError},
    {"expert_unavailable", 503, kServerError},
    {"coordinator_unavailable", 503, kServerError},
    {"draining", 503, kServerError},
    {"model_loading", 503, kServerError},
    {"timeout", 504, kServerError},
}};

struct StatusRule {
  StatusCode status;
  int http_status;
  const char* type;
  const char* code;  // when the detail has none
};

constexpr std::array<StatusRule, 12> kStatusRules{{
    {StatusCode::kInvalidArgument, 400, kInvalidRequest, ""},
    {StatusCode::kOutOfRange, 400, kInvalidRequest, ""},
    {StatusCode::kFailedPrecondition, 400, kInvalidRequest, ""},
    {StatusCode::kUnauthenticated, 401, kInvalidRequest, "invalid_api_key"},
    {StatusCode::kPermissionDenied, 403, "permission_error", "insufficient_permissions"},
    {StatusCode::kNotFound, 404, kInvalidRequest, "model_not_found"},
    {StatusCode::kResourceExhausted, 429, kRateLimit, "server_overloaded"},
    {StatusCode::kUnimplemented, 501, kServerError, "unsupported"},
    {StatusCode::kUnavailable, 503, kServerError, "coordinator_unavailable"},
    {StatusCode::kDeadlineExceeded, 504, kServerError, "timeout"},
    {StatusCode::kCancelled, 503, kServerError, "cancelled"},
    {StatusCode::kAborted, 503, kServerError, "aborted"},
}};

std::string WithoutPrefix(const std::string& text) {
  return text.substr(text.starts_with(kSamplingPrefix) ? kSamplingPrefix.size() : 0);
}

}  // namespace

ErrorAnswer ToErrorAnswer(const Status& status, bool late) {
  ErrorAnswer answer{.http_status = 500, .type = kServerError, .code = "internal_error"};
  const auto status_rule =
      std::find_if(kStatusRules.begin(), kStatusRules.end(),
                   [&](const StatusRule& rule) { return rule.status == status.code(); });
  if (status_rule != kStatusRules.end()) {
    answer.http_status = status_rule->http_status;
    answer.type = status_rule->type;
    answer.code = status_rule->code;
  }
  const ErrorDetail detail = DetailOf(status).value_or(ErrorDetail{});
  if (!detail.code.empty()) answer.code = detail.code;
  const auto code_rule =
      std::find_if(kCodeRules.begin(), kCodeRules.end(),
                   [&](const CodeRule& rule) { return rule.code == detail.code; });
  if (code_rule != kCodeRules.end()) {
    answer.http_status = code_rule->http_status;
    answer.type = code_rule->type;
  }
  answer.param = WithoutPrefix(detail.param);
  answer.message = WithoutPrefix(Message(status));
  answer.retry_after_ms = detail.retry_after_ms;
  const bool busy = answer.http_status == 429 || answer.http_status == 503;
  if (busy && answer.retry_after_ms == 0) answer.retry_after_ms = kDefaultRetryMs;
  // A library repeats by itself what is the server's fault, and 429.
  answer.should_retry = !late && (busy || answer.http_status < 500);
  return answer;
}

std::string ErrorBody(const ErrorAnswer& answer) {
  JsonWriter json;
  json.BeginObject().Key("error").BeginObject();
  json.Key("message").String(answer.message);
  json.Key("type").String(answer.type);
  json.Key("param").StringOrNull(answer.param);
  json.Key("code").StringOrNull(answer.code);
  return json.EndObject().EndObject().Take();
}

HeaderList ErrorHeaders(const ErrorAnswer& answer) {
  HeaderList headers;
  if (answer.retry_after_ms > 0) {
    headers.emplace_back("Retry-After", std::to_string((answer.retry_after_ms + 999) / 1000));
    headers.emplace_back("retry-after-ms", std::to_string(answer.retry_after_ms));
  }
  if (!answer.should_retry) headers.emplace_back("x-should-retry", "false");
  return headers;
}

}  // namespace windrose::router
