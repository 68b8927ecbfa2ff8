#include "router/values/error_detail.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "absl/strings/cord.h"

namespace windrose::router {
namespace {

// The payload: milliseconds, '\n', the code's length, '\n', both in decimal; then code and param,
// which may hold anything, since they may come from a peer.
constexpr char kPayloadName[] = "windrose.router.ErrorDetail";

}  // namespace

Status WithDetail(Status status, const ErrorDetail& detail) {
  const std::string payload = std::to_string(detail.retry_after_ms) + "\n" +
                              std::to_string(detail.code.size()) + "\n" + detail.code +
                              detail.param;
  status.SetPayload(kPayloadName, absl::Cord(payload));
  return status;
}

std::optional<ErrorDetail> DetailOf(const Status& status) {
  const auto payload = status.GetPayload(kPayloadName);
  if (!payload.has_value()) return std::nullopt;
  const std::string text(*payload);
  const size_t first_break = text.find('\n');
  const size_t second_break = text.find('\n', first_break + 1);
  if (first_break == std::string::npos || second_break == std::string::npos) return std::nullopt;
  ErrorDetail detail;
  size_t code_size = 0;
  std::from_chars(text.data(), text.data() + first_break, detail.retry_after_ms);
  std::from_chars(text.data() + first_break + 1, text.data() + second_break, code_size);
  const std::string rest = text.substr(second_break + 1);
  detail.code = rest.substr(0, code_size);
  detail.param = rest.substr(detail.code.size());
  return detail;
}

std::string ErrorCodeOf(const Status& status) {
  const auto detail = DetailOf(status);
  return detail.has_value() ? detail->code : std::string();
}

Status BadField(const std::string& param, const std::string& code, const std::string& message) {
  return WithDetail(InvalidArgument(message),
                    ErrorDetail{.code = code, .param = param, .retry_after_ms = 0});
}

}  // namespace windrose::router
