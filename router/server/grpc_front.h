// GrpcFront: the public gRPC listener: windrose.inference.v1.InferenceService, grpc.health.v1 and,
// on request, reflection.
//
// Each RPC's deadline is the client's, at most the router's limit; safe to repeat as the proto
// says; messages up to GrpcSettings::message_bytes. The loop must run until Stop has returned.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/event_loop.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/net/grpc_settings.h"
#include "router/proxy/inference_proxy.h"

namespace windrose::router {

struct GrpcFrontOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free port
  bool reflection = false;
  GrpcSettings settings;
  Duration write_timeout = Seconds(30);  // for one event of a stream to be taken
};

// Thread-safe but for the proxy, which is touched on the loop only.
class GrpcFront {
 public:
  // All must outlive the front.
  struct Parts {
    EventLoop& loop;
    InferenceProxy& proxy;
    Entropy& entropy;
    Log& log;
    const RouterProbe& probe;
  };

  static StatusOr<std::unique_ptr<GrpcFront>> Start(const GrpcFrontOptions& options,
                                                    const Parts& parts);
  virtual ~GrpcFront() = default;  // stops at once
  virtual uint16_t port() const = 0;
  // What grpc.health.v1 says, for "" and the service's name: NOT_SERVING until then.
  virtual void SetServing(bool serving) = 0;
  // Refuses new calls, waits for the service's until `patience` has passed, cancels the rest.
  virtual void Stop(Duration patience) = 0;
};

}  // namespace windrose::router
