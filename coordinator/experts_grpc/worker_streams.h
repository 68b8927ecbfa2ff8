// WorkerStreams: one connection to a worker, as the two gRPC streams on it: its status, and frames.
//
// Owned by the link, for one connection; engine thread only. What arrives is decoded on gRPC's
// threads and posted to the loop. Events reach their receiver only while it lives and before the
// streams are closed. The first break is the last event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/event_loop.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "common/wire/frame.h"
#include "coordinator/experts_grpc/announcement.h"
#include "coordinator/experts_grpc/grpc_expert_transport.h"

namespace windrose {

// Called on the loop's thread.
class WorkerEvents {
 public:
  virtual ~WorkerEvents() = default;
  virtual void OnAnnouncement(const Announcement& announcement) = 0;
  // The worker has nothing more to say, and has not broken off.
  virtual void OnStatusEnd() = 0;
  virtual void OnFramesOpen() = 0;
  virtual void OnReply(const wire::ReplyFrame& reply) = 0;
  virtual void OnBadReply(const Status& why) = 0;
  virtual void OnBroken(const Status& why) = 0;
};

// How many gRPC streams still live, over all links: whoever owns the loop waits for none.
// Thread-safe.
class StreamCount {
 public:
  void Add();
  void Remove();
  void WaitForNone();

 private:
  Mutex mutex_;
  CondVar changed_;
  size_t count_ WINDROSE_GUARDED_BY(mutex_) = 0;
};

// What the streams of all links share; outlives them.
struct WorkerStreamsSetup {
  const GrpcExpertTransportConfig& config;
  EventLoop& loop;
  StreamCount& count;
};

class WorkerStreams {
 public:
  // Connects and asks for the worker's status.
  WorkerStreams(const std::string& address, const WorkerStreamsSetup& setup,
                std::weak_ptr<WorkerEvents> events);
  // Cancels both streams.
  ~WorkerStreams();
  WorkerStreams(const WorkerStreams&) = delete;
  WorkerStreams& operator=(const WorkerStreams&) = delete;

  // Opens the stream of frames. Once.
  void OpenFrames();

  // Queues one frame. RESOURCE_EXHAUSTED when too much is unsent. Never blocks.
  Status Write(std::vector<std::byte> frame);

  // When something last came from the worker; the connection's begin until then.
  TimePoint last_heard() const;

 private:
  struct Connection;
  class StatusStream;
  class FrameStream;

  std::shared_ptr<Connection> connection_;
  std::shared_ptr<StatusStream> status_stream_;
  std::shared_ptr<FrameStream> frame_stream_;
};

}  // namespace windrose
