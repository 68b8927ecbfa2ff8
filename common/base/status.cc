#include "common/base/status.h"

namespace windrose {

Status InvalidArgument(const std::string& message) { return absl::InvalidArgumentError(message); }
Status NotFound(const std::string& message) { return absl::NotFoundError(message); }
Status AlreadyExists(const std::string& message) { return absl::AlreadyExistsError(message); }
Status ResourceExhausted(const std::string& message) {
  return absl::ResourceExhaustedError(message);
}
Status FailedPrecondition(const std::string& message) {
  return absl::FailedPreconditionError(message);
}
Status OutOfRange(const std::string& message) { return absl::OutOfRangeError(message); }
Status Unimplemented(const std::string& message) { return absl::UnimplementedError(message); }
Status Internal(const std::string& message) { return absl::InternalError(message); }
Status Unavailable(const std::string& message) { return absl::UnavailableError(message); }
Status DataLoss(const std::string& message) { return absl::DataLossError(message); }
Status DeadlineExceeded(const std::string& message) { return absl::DeadlineExceededError(message); }
Status Cancelled(const std::string& message) { return absl::CancelledError(message); }
Status Aborted(const std::string& message) { return absl::AbortedError(message); }
Status PermissionDenied(const std::string& message) { return absl::PermissionDeniedError(message); }
Status Unauthenticated(const std::string& message) { return absl::UnauthenticatedError(message); }

std::string Message(const Status& status) {
  return std::string(status.message().data(), status.message().size());
}

std::string ToString(const Status& status) { return status.ToString(); }

Status Annotate(const Status& status, const std::string& context) {
  if (status.ok()) return status;
  return Status(status.code(), context + ": " + Message(status));
}

}  // namespace windrose
