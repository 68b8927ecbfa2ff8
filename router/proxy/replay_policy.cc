#include "router/proxy/replay_policy.h"

#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

// It has a smaller context than the coordinator that the answer began at.
bool HasNoRoom(const ErrorDetail& detail) {
  return detail.code == "context_length_exceeded" || detail.param == "resume_tokens";
}

}  // namespace

FailureAction ClassifyFailure(const Status& status, bool started) {
  const ErrorDetail detail = DetailOf(status).value_or(ErrorDetail{});
  const std::string& code = detail.code;
  if (started && HasNoRoom(detail)) return FailureAction::kTryOther;
  if (code == "draining" || code == "model_loading" || code == "server_overloaded") {
    return FailureAction::kTryOther;
  }
  if (code == "expert_unavailable") return FailureAction::kTryReady;
  // The coordinator said what is wrong.
  if (!code.empty()) return FailureAction::kFail;
  switch (status.code()) {
    case StatusCode::kUnavailable:
    case StatusCode::kCancelled:  // not by us: our own cancel destroys the stream first
    case StatusCode::kInternal:   // transport: a reset stream, a message cut off
    case StatusCode::kUnknown:
    case StatusCode::kAborted:
    case StatusCode::kDataLoss:
      return FailureAction::kReplay;
    case StatusCode::kResourceExhausted:
      return FailureAction::kTryOther;
    default:
      return FailureAction::kFail;
  }
}

}  // namespace windrose::router
