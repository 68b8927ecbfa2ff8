// ExpertTransport: the seam between the dispatcher and whatever carries frames to expert workers.
//
// gRPC in production (coordinator/experts_grpc), a simulated network in tests/sim. The transport
// keeps the links up on its own, and reports on the engine's event loop; the dispatcher decides
// everything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/wire/frame.h"

namespace windrose {

// What a worker said of itself in the handshake.
struct WorkerDescription {
  std::string address;
  uint64_t incarnation = 0;  // differs after a restart
  std::vector<ExpertId> experts;
  uint32_t max_rows = 0;  // accepted in one frame
};

// A frame for one worker. `call.rows` views `row_bytes`.
struct OutgoingCall {
  WorkerId worker;
  wire::CallFrame call;
  std::vector<std::byte> row_bytes;
};

// Called on the engine's loop thread, never from within Send.
class ExpertTransportListener {
 public:
  virtual ~ExpertTransportListener() = default;
  // The worker is connected and READY. Again, with no down between, when its description changed.
  virtual void OnWorkerUp(WorkerId worker, const WorkerDescription& description) = 0;
  // The link broke, or the worker refused us. It will be tried again.
  virtual void OnWorkerDown(WorkerId worker, const Status& why) = 0;
  // The worker's address was removed, after OnWorkerDown if it was up.
  virtual void OnWorkerGone(WorkerId worker) = 0;
  // The worker asks for no new calls; those in flight will be answered.
  virtual void OnWorkerDraining(WorkerId worker) = 0;
  // A frame that decoded well. Views are valid during the call.
  virtual void OnReply(WorkerId worker, const wire::ReplyFrame& reply) = 0;
  // A frame that did not: the link is broken next.
  virtual void OnBadReply(WorkerId worker, const Status& why) = 0;
};

// Engine thread only. A WorkerId is a slot for an address: it is never renumbered or given to
// another.
class ExpertTransport {
 public:
  virtual ~ExpertTransport() = default;
  // Before any other call.
  virtual void SetListener(ExpertTransportListener* listener) = 0;
  // Encodes `call` before it returns; `call.rows` need not live longer. Never blocks. A frame that
  // cannot be delivered is followed by OnWorkerDown.
  virtual void Send(WorkerId worker, const wire::CallFrame& call) = 0;
  // Send for each of them, in any order.
  virtual void SendAll(std::span<const OutgoingCall> calls) {
    for (const OutgoingCall& outgoing : calls) Send(outgoing.worker, outgoing.call);
  }
  // Breaks the link of a worker that answers wrongly or not at all; it is set up again with a
  // pause.
  virtual void Reset(WorkerId worker, const Status& why) = 0;
};

}  // namespace windrose
