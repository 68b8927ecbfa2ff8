// FrameStream: one coordinator's stream of raw frames, as gRPC's callback interface wants it.
//
// Reads and writes go on side by side, one of each at a time; writes queue up to a limit in bytes.
// The host decides what a message means. Shared: the host's table holds it until OnDone, whoever is
// sending holds it meanwhile, so a late Send meets an ended stream and does nothing. Thread-safe.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "common/base/mutex.h"
#include "expert-worker/exec/accepted_call.h"

namespace windrose {

class FrameStream;

// What a stream tells its owner, on gRPC's threads.
class FrameStreamHost {
 public:
  virtual ~FrameStreamHost() = default;
  virtual void OnMessage(FrameStream& stream, grpc::ByteBuffer& message) = 0;
  // Last: the stream is not used any more and may be destroyed.
  virtual void OnStreamDone(CallerId caller) = 0;
};

class FrameStream final : public grpc::ServerGenericBidiReactor {
 public:
  FrameStream(CallerId caller, uint64_t max_unsent_bytes, FrameStreamHost& host)
      : caller_(caller), max_unsent_bytes_(max_unsent_bytes), host_(host) {}

  CallerId caller() const { return caller_; }

  // Tells the peer that the stream is open, and starts reading. Once.
  void Open();

  // Writes `frame` after those before it. A peer that lets too much pile up loses its stream; one
  // frame alone is never too much.
  void Send(std::vector<std::byte> frame);

  // Writes what is queued, then ends the stream. The first status counts.
  void End(const grpc::Status& status);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  // What must be called on the gRPC stream once the lock is released.
  enum class Step { kNothing, kWrite, kFinish };

  Step NextStep() WINDROSE_REQUIRES(mutex_);
  void EndLocked(const grpc::Status& status, bool drop_unsent) WINDROSE_REQUIRES(mutex_);
  void Do(Step step);

  const CallerId caller_;
  const uint64_t max_unsent_bytes_;
  FrameStreamHost& host_;
  grpc::ByteBuffer received_;  // belongs to gRPC while a read is under way
  grpc::ByteBuffer writing_;   // likewise for a write
  Mutex mutex_;
  std::deque<grpc::ByteBuffer> unsent_ WINDROSE_GUARDED_BY(mutex_);
  uint64_t unsent_bytes_ WINDROSE_GUARDED_BY(mutex_) = 0;
  bool write_under_way_ WINDROSE_GUARDED_BY(mutex_) = false;
  bool ending_ WINDROSE_GUARDED_BY(mutex_) = false;
  bool finished_ WINDROSE_GUARDED_BY(mutex_) = false;
  grpc::Status final_status_ WINDROSE_GUARDED_BY(mutex_);
};

}  // namespace windrose
