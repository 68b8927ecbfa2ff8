#include "coordinator/server/error_detail.h"

#include <optional>
#include <utility>

#include "absl/strings/cord.h"
#include "common/base/utf8.h"
#include "google/rpc/status.pb.h"
#include "windrose/inference/v1/inference.pb.h"

namespace windrose {
namespace {

namespace pb = inference::v1;

constexpr char kPayloadName[] = "windrose.inference.v1.ErrorDetail";
constexpr size_t kMaxMessageBytes = 1024;  // it travels in the trailers, which have a limit

std::string DerivedCode(const Status& status) {
  switch (status.code()) {
    case StatusCode::kResourceExhausted:
      return "server_overloaded";
    case StatusCode::kUnavailable:
      return Message(status).rfind("draining", 0) == 0 ? "draining" : "expert_unavailable";
    case StatusCode::kInvalidArgument:
    case StatusCode::kOutOfRange:
      return "invalid_value";
    case StatusCode::kNotFound:
      return "not_found";
    case StatusCode::kDeadlineExceeded:
      return "timeout";
    case StatusCode::kCancelled:
      return "cancelled";
    default:
      return "internal_error";
  }
}

pb::ErrorDetail DetailOf(const Status& status) {
  pb::ErrorDetail detail;
  const auto payload = status.GetPayload(kPayloadName);
  if (payload && detail.ParseFromString(std::string(*payload))) return detail;
  detail.set_code(DerivedCode(status));
  return detail;
}

}  // namespace

Status FieldError(const std::string& param, const std::string& message) {
  return WithErrorCode(InvalidArgument(param + ": " + message), "invalid_value", param);
}

Status WithErrorCode(Status status, const std::string& code, const std::string& param) {
  pb::ErrorDetail detail;
  detail.set_code(code);
  detail.set_param(param);
  status.SetPayload(kPayloadName, absl::Cord(detail.SerializeAsString()));
  return status;
}

grpc::Status ToGrpcStatus(const Status& status, uint32_t retry_after_ms) {
  if (status.ok()) return grpc::Status::OK;
  pb::ErrorDetail detail = DetailOf(status);
  if (status.code() == StatusCode::kResourceExhausted ||
      status.code() == StatusCode::kUnavailable) {
    detail.set_retry_after_ms(retry_after_ms);
  }
  // The codes of absl::Status and gRPC are the same numbers.
  const auto code = static_cast<grpc::StatusCode>(status.code());
  const std::string message = Utf8Prefix(Message(status), kMaxMessageBytes);
  google::rpc::Status details;
  details.set_code(code);
  details.set_message(message);
  details.add_details()->PackFrom(detail);
  return grpc::Status(code, message, details.SerializeAsString());
}

}  // namespace windrose
