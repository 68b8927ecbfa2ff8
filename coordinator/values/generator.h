// Generator: the seam between the RPC edge and the engine. The server submits, the engine
// generates.
//
// Owned by main; implemented by the engine, and by scripted fakes in tests. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/status.h"
#include "coordinator/values/request.h"

namespace windrose {

class Generator {
 public:
  virtual ~Generator() = default;
  // What Submit would now say of any request: OK, or its refusal. Spares the work of checking one.
  virtual Status Admits() const = 0;
  // Hands a checked request to the engine and returns at once; on OK `ticket` names it.
  // RESOURCE_EXHAUSTED when the queue is full, UNAVAILABLE when draining or when an expert has no
  // worker. On OK the sink gets exactly one end (OnFinished or OnError), perhaps before Submit
  // returns; otherwise nothing at all.
  virtual Status Submit(Request request, std::shared_ptr<TokenSink> sink, uint64_t* ticket) = 0;
  // Idempotent; unknown and ended tickets are ignored. Everything the request holds is freed within
  // one step, and the sink gets OnError(CANCELLED) if it had no end yet.
  virtual void Cancel(uint64_t ticket) = 0;
  // Empty when requests can be served now, else why not, in words. For readiness.
  virtual std::string NotReadyReason() const = 0;
};

}  // namespace windrose
