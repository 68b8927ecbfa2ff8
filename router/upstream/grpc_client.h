// The CoordinatorClient over gRPC, and the transport that makes them.
//
// gRPC's callbacks run on gRPC's threads; everything is posted to the loop before it touches a
// listener. Calls that were cancelled may end later than their owners, so the transport keeps a
// registry of them and waits for the last one when it is destroyed, which must be before the loop
// goes away. Loop thread, or the owner's thread once the loop has stopped.
#pragma once

#include <memory>
#include <string>

#include "common/base/event_loop.h"
#include "common/net/grpc_settings.h"
#include "router/upstream/coordinator_client.h"

namespace windrose::router {

class CallRegistry;

class GrpcTransport {
 public:
  // `loop` must outlive the transport.
  GrpcTransport(EventLoop& loop, GrpcSettings settings);
  // Cancels what is open and waits until gRPC has let go of it.
  ~GrpcTransport();
  GrpcTransport(const GrpcTransport&) = delete;
  GrpcTransport& operator=(const GrpcTransport&) = delete;

  // A client must not outlive the transport.
  std::unique_ptr<CoordinatorClient> MakeClient(const std::string& address);

 private:
  EventLoop& loop_;
  const GrpcSettings settings_;
  std::unique_ptr<CallRegistry> calls_;
};

}  // namespace windrose::router
