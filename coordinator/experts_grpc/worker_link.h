// WorkerLink: one worker address, and whatever connection to it there is at the moment.
//
// Owned by the transport; engine thread only. A state machine:
//
//   waiting --timer--> connecting --READY and frames open--> up --DRAINING--> draining
//      ^                    |                                |                   |
//      +----- broken, silent, reset, another model ----------+-------------------+
//
// The listener hears OnWorkerUp when `up` is entered or the description changes, and OnWorkerDown
// once for each time it was told up. It is never called from within Send or Reset.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/base/ids.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "coordinator/experts/expert_transport.h"
#include "coordinator/experts_grpc/worker_streams.h"

namespace windrose {

// What all links share; outlives them.
struct WorkerLinkEnvironment {
  WorkerLinkEnvironment(const GrpcExpertTransportConfig& config_in, EventLoop& loop_in,
                        Entropy& entropy_in, Log& log_in)
      : config(config_in), loop(loop_in), entropy(entropy_in), log(log_in) {}
  WorkerStreamsSetup streams() { return {config, loop, count}; }

  const GrpcExpertTransportConfig config;
  EventLoop& loop;
  Entropy& entropy;
  Log& log;
  ExpertTransportListener* listener = nullptr;
  StreamCount count;
};

class WorkerLink {
 public:
  // Connects at once.
  WorkerLink(WorkerId worker, const std::string& address, WorkerLinkEnvironment& environment);
  ~WorkerLink();
  WorkerLink(const WorkerLink&) = delete;
  WorkerLink& operator=(const WorkerLink&) = delete;

  const std::string& address() const { return address_; }
  bool closed() const { return closed_; }

  // Also on other threads, side by side, while the engine's waits for them.
  void Send(const wire::CallFrame& call);
  // Breaks the connection, if there is one; another is made after a pause.
  void Reset(const Status& why);
  // The address is not a worker's any more, until Reopen.
  void Close();
  void Reopen();

 private:
  class Receiver;

  void Connect();
  void ConnectLater();
  void OnAnnouncement(const Announcement& announcement);
  void OnStatusEnd();
  void OnFramesOpen();
  void OnReply(const wire::ReplyFrame& reply);
  void OnBadReply(const Status& why);
  void ReportUp();
  void Break(const Status& why);
  void Disconnect(const Status& why);
  void WatchSilence();

  const WorkerId worker_;
  const std::string address_;
  WorkerLinkEnvironment& environment_;
  std::shared_ptr<Receiver> receiver_;         // of this connection's events
  std::unique_ptr<WorkerStreams> streams_;     // null while waiting
  std::optional<Announcement> announcement_;   // the newest of this connection
  std::optional<WorkerDescription> reported_;  // as the listener knows it; null: not up
  bool frames_asked_ = false;
  bool frames_open_ = false;
  bool draining_reported_ = false;
  bool closed_ = false;
  uint32_t failures_ = 0;    // since a connection was last of use
  uint32_t suspicions_ = 0;  // resets and bad replies since the last good reply
  uint64_t timer_id_ = 0;    // silence of the connection, or the end of the pause
  std::string last_reason_;  // logged once, not for each try
};

}  // namespace windrose
