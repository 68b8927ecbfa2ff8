// From Status to grpc::Status with an ErrorDetail in its details. Pure functions; Thread-safe.
//
// A Status made by FieldError or WithErrorCode carries its detail as a payload. For the others the
// code is derived: RESOURCE_EXHAUSTED is server_overloaded, UNAVAILABLE is expert_unavailable or
// draining by the first word of its message, and so on.
#pragma once

#include <grpcpp/support/status.h>

#include <cstdint>
#include <string>

#include "common/base/status.h"

namespace windrose {

// INVALID_ARGUMENT with code invalid_value: the field `param` is not what was wanted.
Status FieldError(const std::string& param, const std::string& message);

// `status` with an ErrorDetail of this code and field.
Status WithErrorCode(Status status, const std::string& code, const std::string& param);

// What goes on the wire; the message is cut at 1 KiB. `retry_after` is told with RESOURCE_EXHAUSTED
// and UNAVAILABLE.
grpc::Status ToGrpcStatus(const Status& status, uint32_t retry_after_ms);

}  // namespace windrose
