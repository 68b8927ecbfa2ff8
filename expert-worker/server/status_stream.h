// StatusStream: one coordinator's Join, to which the worker's status is written at each change and
// as a heartbeat. Only the newest status waits: a slow reader misses some and is told the last.
//
// Shared like FrameStream. Thread-safe.
#pragma once

#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "common/base/mutex.h"
#include "windrose/expert/v1/expert.pb.h"

namespace windrose {

class StatusStream final : public grpc::ServerWriteReactor<expert::v1::WorkerStatus> {
 public:
  // `on_done` is the last call; the stream may then be destroyed.
  explicit StatusStream(std::function<void()> on_done) : on_done_(std::move(on_done)) {}

  void Send(const expert::v1::WorkerStatus& status);
  void End(const grpc::Status& status);

  void OnWriteDone(bool ok) override;
  void OnCancel() override { End(grpc::Status::CANCELLED); }
  void OnDone() override;

 private:
  enum class Step { kNothing, kWrite, kFinish };

  Step NextStep() WINDROSE_REQUIRES(mutex_);
  void Do(Step step);

  const std::function<void()> on_done_;
  expert::v1::WorkerStatus writing_;  // belongs to gRPC while a write is under way
  Mutex mutex_;
  std::optional<expert::v1::WorkerStatus> unsent_ WINDROSE_GUARDED_BY(mutex_);
  bool write_under_way_ WINDROSE_GUARDED_BY(mutex_) = false;
  bool ending_ WINDROSE_GUARDED_BY(mutex_) = false;
  bool finished_ WINDROSE_GUARDED_BY(mutex_) = false;
  grpc::Status final_status_ WINDROSE_GUARDED_BY(mutex_);
};

}  // namespace windrose
