// GrpcListener: where the connections of a gRPC server come in.
//
// gRPC's own listener stops for good, without a word, the first time that no descriptor is left for
// a connection (CVE-2023-4785). This one waits until there is one again, and turns connections away
// that would take the last quarter of the descriptors: those are for what the process opens itself.
// Owned beside the server and closed before it is shut down. Accepts on a thread of its own.
// Thread-compatible.
#pragma once

#include <cstdint>
#include <memory>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/net/address.h"
#include "common/net/grpc_settings.h"

namespace windrose {

class GrpcListener {
 public:
  // Binds `address`, whose host may be a name and then stands for all of its addresses, and tells
  // `builder` who brings its connections. UNAVAILABLE when it cannot be had. `log` outlives it.
  static StatusOr<std::unique_ptr<GrpcListener>> Open(const HostPort& address,
                                                      const GrpcSettings& settings,
                                                      grpc::ServerBuilder& builder, Log& log);
  virtual ~GrpcListener() = default;  // closes

  virtual uint16_t port() const = 0;

  // Accepts from here on. Once, after the server was started.
  virtual void Start() = 0;

  // Nobody connects any more; connections stay. Idempotent.
  virtual void Close() = 0;
};

}  // namespace windrose
