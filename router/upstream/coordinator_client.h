// CoordinatorClient: what the router asks of one coordinator, free of gRPC, so that the proxy can
// be tested against a scripted one.
//
// Everything here is called on the router's loop thread, and calls back on it, never from within
// the call that started it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/base/time.h"
#include "router/values/generation_values.h"

namespace windrose::router {

// One open generation. Destroying it cancels the call; its listener is not called any more.
class UpstreamStream {
 public:
  virtual ~UpstreamStream() = default;
  // While paused no further event is read, so that the coordinator sees the back-pressure.
  virtual void SetPaused(bool paused) = 0;
  // Whether the coordinator has, or had, the call: it said so, or an event came. Older ones do not
  // say so. Certain once the stream has ended.
  virtual bool Taken() const = 0;
};

// What a coordinator says of itself.
struct CoordinatorReport {
  bool serving = false;  // its health service says so; false while it drains
  std::vector<ModelInfo> models;
};

class CoordinatorClient {
 public:
  virtual ~CoordinatorClient() = default;

  // `listener` must live as long as the stream. `deadline` bounds the whole call.
  virtual std::unique_ptr<UpstreamStream> Generate(const GenerateCall& call, TimePoint deadline,
                                                   GenerationListener& listener) = 0;

  // The unary calls answer exactly once, even when the client is destroyed meanwhile.
  virtual void Probe(TimePoint deadline, std::function<void(StatusOr<CoordinatorReport>)> done) = 0;
  virtual void Tokenize(const TokenizeCall& call, TimePoint deadline,
                        std::function<void(StatusOr<Tokenized>)> done) = 0;
  virtual void Detokenize(const DetokenizeCall& call, TimePoint deadline,
                          std::function<void(StatusOr<std::string>)> done) = 0;
};

// Makes the client for "host:port".
using CoordinatorClientFactory =
    std::function<std::unique_ptr<CoordinatorClient>(const std::string& address)>;

}  // namespace windrose::router
