// InferenceObserver: what the server tells about its calls, for metrics.
//
// Implemented by coordinator_probe and by tests. Thread-safe; called on RPC threads, must not
// block.
#pragma once

#include <string_view>

#include "common/base/status.h"
#include "common/base/time.h"

namespace windrose {

class InferenceObserver {
 public:
  virtual ~InferenceObserver() = default;
  // A prompt became token ids.
  virtual void OnTokenized(Duration duration) = 0;
  // A call ended. `method` as "Generate".
  virtual void OnCallEnded(std::string_view method, StatusCode code, Duration duration) = 0;
};

class NullInferenceObserver final : public InferenceObserver {
 public:
  void OnTokenized(Duration) override {}
  void OnCallEnded(std::string_view, StatusCode, Duration) override {}
};

}  // namespace windrose
