// Between the plain values of router/values and proto/windrose/inference/v1, both ways. Used by the
// client towards coordinators and by the public gRPC service. Pure functions; thread-safe.
#pragma once

#include <grpcpp/support/status.h>

#include "common/base/status.h"
#include "router/values/generation_values.h"
#include "windrose/inference/v1/inference.pb.h"

namespace windrose::router {

namespace proto = ::windrose::inference::v1;

void ToProto(const GenerateCall& call, proto::GenerateRequest& out);
void ToProto(const TokenizeCall& call, proto::TokenizeRequest& out);
void ToProto(const DetokenizeCall& call, proto::DetokenizeRequest& out);
void ToProto(const GenerateEvent& event, proto::GenerateEvent& out);
void ToProto(const Tokenized& tokenized, proto::TokenizeResponse& out);
void ToProto(const ModelInfo& info, proto::Model& out);

// INVALID_ARGUMENT for what the proto allows and we do not: no prompt, an unknown reason, …
StatusOr<GenerateCall> FromProto(const proto::GenerateRequest& in);
StatusOr<TokenizeCall> FromProto(const proto::TokenizeRequest& in);
DetokenizeCall FromProto(const proto::DetokenizeRequest& in);
StatusOr<GenerateEvent> FromProto(proto::GenerateEvent&& in);
Tokenized FromProto(const proto::TokenizeResponse& in);
ModelInfo FromProto(const proto::Model& in);

// With the ErrorDetail among the details, as in proto/google/rpc/status.proto.
grpc::Status ToGrpcStatus(const Status& status);
Status FromGrpcStatus(const grpc::Status& status);

}  // namespace windrose::router
