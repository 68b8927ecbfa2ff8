#include "router/proxy/replay_policy.h"

#include "router/values/error_detail.h"

namespace windrose::router {

FailureAction ClassifyFailure(const Status& status) {
  const std::string code = ErrorCodeOf(status);
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
