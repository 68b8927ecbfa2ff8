// Status and StatusOr: how every fallible function of Windrose reports.
//
// A thin face over absl::Status, so that the rest of the code sees std types only (Debian's absl
// has a string_view of its own). The codes are the canonical ones of gRPC. Thread-safe as values
// are.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace windrose {

using Status = absl::Status;
using StatusCode = absl::StatusCode;
template <typename T>
using StatusOr = absl::StatusOr<T>;

inline Status OkStatus() { return absl::OkStatus(); }

// One maker per canonical code. `message` says what was wanted, what came, and where.
Status InvalidArgument(const std::string& message);
Status NotFound(const std::string& message);
Status AlreadyExists(const std::string& message);
Status ResourceExhausted(const std::string& message);
Status FailedPrecondition(const std::string& message);
Status OutOfRange(const std::string& message);
Status Unimplemented(const std::string& message);
Status Internal(const std::string& message);
Status Unavailable(const std::string& message);
Status DataLoss(const std::string& message);
Status DeadlineExceeded(const std::string& message);
Status Cancelled(const std::string& message);
Status Aborted(const std::string& message);
Status PermissionDenied(const std::string& message);
Status Unauthenticated(const std::string& message);

// The message as a std::string.
std::string Message(const Status& status);

// "CODE: message", for logs.
std::string ToString(const Status& status);

// The same code with "context: " in front of the message; an OK status stays as it is.
Status Annotate(const Status& status, const std::string& context);

}  // namespace windrose

#define WINDROSE_CONCAT_INNER(a, b) a##b
#define WINDROSE_CONCAT(a, b) WINDROSE_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expression` is not OK.
#define RETURN_IF_ERROR(expression)                                                 \
  do {                                                                              \
    if (::windrose::Status windrose_status = (expression); !windrose_status.ok()) { \
      return windrose_status;                                                       \
    }                                                                               \
  } while (false)

// Declares or assigns `target` from a StatusOr, or returns its status.
#define ASSIGN_OR_RETURN(target, expression) \
  ASSIGN_OR_RETURN_INNER(WINDROSE_CONCAT(windrose_status_or_, __LINE__), target, expression)
#define ASSIGN_OR_RETURN_INNER(temporary, target, expression) \
  auto temporary = (expression);                              \
  if (!temporary.ok()) return temporary.status();             \
  target = std::move(temporary).value()
