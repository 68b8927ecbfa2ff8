// InferenceServer: the coordinator's gRPC listener: InferenceService and grpc.health.v1.
//
// Owned by main. Serves from Start to Drain or destruction. Hidden here: gRPC. Thread-compatible;
// the calls themselves run on gRPC's threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "common/net/address.h"
#include "common/net/grpc_settings.h"
#include "coordinator/server/inference_observer.h"
#include "coordinator/server/request_limits.h"
#include "coordinator/server/served_model.h"
#include "coordinator/text/tokenizer.h"
#include "coordinator/values/generator.h"

namespace windrose {

struct InferenceServerOptions {
  HostPort listen{"127.0.0.1", 0};  // port 0: any free one
  bool allow_insecure = false;      // clear text beyond loopback
  GrpcSettings grpc;
  RequestLimits limits;
  size_t open_calls = 1024;            // Generate streams at once, and long texts that wait
  Duration time_limit = Seconds(600);  // of one Generate call
  Duration retry_after = Seconds(1);   // told to clients that are turned away
  Duration abort_grace = Seconds(2);   // for aborted calls to end, at the end of a drain
};

// What the server works with. All must outlive it; `entropy` must be thread-safe.
struct InferenceServerParts {
  const ServedModel& model;
  const Tokenizer& tokenizer;
  Generator& generator;
  const Clock& clock;
  Entropy& entropy;
  InferenceObserver& observer;
  Log& log;
};

class InferenceServer {
 public:
  // FAILED_PRECONDITION for an insecure listener that nobody asked for, UNAVAILABLE when the
  // address cannot be had. Health says NOT_SERVING until SetServing.
  static StatusOr<std::unique_ptr<InferenceServer>> Start(const InferenceServerOptions& options,
                                                          const InferenceServerParts& parts);
  virtual ~InferenceServer() = default;  // Drain(0)

  virtual uint16_t port() const = 0;

  // What grpc.health.v1 says, for "" and the service's name. Ignored while draining.
  virtual void SetServing(bool serving) = 0;

  // Refuses new calls, waits for those open until `grace` has passed, aborts the rest, and stops.
  // Blocks. True when no call had to be aborted. The engine must still run.
  virtual bool Drain(Duration grace) = 0;
};

}  // namespace windrose
