#include "coordinator/experts_grpc/worker_streams.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/client_callback.h>

#include <atomic>
#include <deque>
#include <optional>
#include <utility>

#include "common/wire/grpc_bytes.h"
#include "windrose/expert/v1/expert.grpc.pb.h"

namespace windrose {
namespace {

constexpr const char* kFramesMethod = "/windrose.expert.v1.ExpertData/Frames";

Status FromGrpc(const grpc::Status& status, const std::string& what) {
  if (status.ok()) return Unavailable(what + " ended");
  return {static_cast<StatusCode>(status.error_code()), what + ": " + status.error_message()};
}

// A decoded reply and the bytes that it views.
struct ReceivedReply {
  wire::ReceivedBytes received;
  wire::ReplyFrame frame;
};

}  // namespace

void StreamCount::Add() {
  MutexLock lock(mutex_);
  ++count_;
}

void StreamCount::Remove() {
  MutexLock lock(mutex_);
  --count_;
  changed_.NotifyAll();  // Under the lock: the waiter may destroy this as soon as it has it.
}

void StreamCount::WaitForNone() {
  MutexLock lock(mutex_);
  while (count_ != 0) changed_.Wait(mutex_);
}

// What both streams of one connection share. Thread-safe.
struct WorkerStreams::Connection {
  Connection(const std::string& address_in, const WorkerStreamsSetup& setup_in,
             std::weak_ptr<WorkerEvents> events_in)
      : address(address_in),
        config(setup_in.config),
        loop(setup_in.loop),
        count(setup_in.count),
        channel(MakeGrpcChannel(address_in, ChannelSettings(setup_in.config))),
        last_heard(setup_in.loop.Now()),
        events(std::move(events_in)) {}

  static GrpcSettings ChannelSettings(const GrpcExpertTransportConfig& config) {
    GrpcSettings settings = config.grpc;
    settings.message_bytes = wire::MaxFrameBytes(config.reply_limits);
    return settings;
  }

  // Runs `report` with the receiver on the loop, if there still is one.
  template <typename Report>
  void Post(Report report) {
    loop.Post([weak = events, report = std::move(report)] {
      if (const std::shared_ptr<WorkerEvents> receiver = weak.lock()) report(*receiver);
    });
  }
  void PostBroken(const Status& why) {
    Post([why](WorkerEvents& receiver) { receiver.OnBroken(why); });
  }
  void PostBadReply(const Status& why) {
    Post([why](WorkerEvents& receiver) { receiver.OnBadReply(why); });
  }
  void Heard() { last_heard = loop.Now(); }

  const std::string address;
  const GrpcExpertTransportConfig& config;
  EventLoop& loop;
  StreamCount& count;
  const std::shared_ptr<grpc::Channel> channel;
  std::atomic<TimePoint> last_heard;
  const std::weak_ptr<WorkerEvents> events;
};

// The worker's status. Keeps itself alive from Start to OnDone, as gRPC wants it.
class WorkerStreams::StatusStream final : public grpc::ClientReadReactor<expert::v1::WorkerStatus> {
 public:
  explicit StatusStream(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)),
        stub_(expert::v1::ExpertControl::NewStub(connection_->channel)) {}

  void Start(std::shared_ptr<StatusStream> self) {
    self_ = std::move(self);
    connection_->count.Add();
    request_.set_protocol_min(kExpertProtocol);
    request_.set_protocol_max(kExpertProtocol);
    request_.set_model_hash(connection_->config.model_hash);
    request_.set_coordinator_id(connection_->config.coordinator_id);
    stub_->async()->Join(&context_, &request_, this);
    StartRead(&received_);
    StartCall();
  }

  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) return;  // OnDone follows.
    connection_->Heard();
    const StatusOr<Announcement> read =
        ReadStatus(received_, connection_->address, connection_->config.model_hash);
    if (!read.ok()) {
      connection_->PostBroken(read.status());
      return context_.TryCancel();
    }
    Post(*read);
    StartRead(&received_);
  }

  void OnDone(const grpc::Status& status) override {
    if (status.ok()) {
      connection_->Post([](WorkerEvents& to) { to.OnStatusEnd(); });
    } else {
      connection_->PostBroken(FromGrpc(status, "status stream"));
    }
    StreamCount& count = connection_->count;
    self_.reset();  // May destroy this.
    count.Remove();
  }

 private:
  // Of any number of them, only the newest waits for the loop.
  void Post(const Announcement& announcement) {
    {
      MutexLock lock(mutex_);
      if (std::exchange(newest_, announcement).has_value()) return;
    }
    connection_->Post([self = self_](WorkerEvents& to) { to.OnAnnouncement(self->TakeNewest()); });
  }
  Announcement TakeNewest() {
    MutexLock lock(mutex_);
    return *std::exchange(newest_, std::nullopt);
  }

  const std::shared_ptr<Connection> connection_;
  const std::unique_ptr<expert::v1::ExpertControl::Stub> stub_;
  grpc::ClientContext context_;
  expert::v1::JoinRequest request_;
  expert::v1::WorkerStatus received_;  // belongs to gRPC while a read is under way
  Mutex mutex_;
  std::optional<Announcement> newest_ WINDROSE_GUARDED_BY(mutex_);
  std::shared_ptr<StatusStream> self_;
};

// Frames out and replies in. A hold keeps gRPC from ending the stream while the engine's thread may
// still start a write: it is released when the stream is closed and no write is under way.
class WorkerStreams::FrameStream final
    : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit FrameStream(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)), stub_(connection_->channel) {}

  void Start(std::shared_ptr<FrameStream> self) {
    self_ = std::move(self);
    connection_->count.Add();
    stub_.PrepareBidiStreamingCall(&context_, kFramesMethod, grpc::StubOptions(), this);
    AddHold();
    StartRead(&received_);
    StartCall();
  }

  Status Write(std::vector<std::byte> frame);
  void Close();

  void OnReadInitialMetadataDone(bool ok) override {
    if (ok) connection_->Post([](WorkerEvents& to) { to.OnFramesOpen(); });
  }
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  // What must be called on the gRPC stream once the lock is released.
  enum class Step { kNothing, kWrite, kRelease };

  Step NextStep() WINDROSE_REQUIRES(mutex_);
  void Do(Step step);
  Status TakeReply();

  const std::shared_ptr<Connection> connection_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::ByteBuffer received_;  // belongs to gRPC while a read is under way
  grpc::ByteBuffer writing_;   // likewise for a write
  Mutex mutex_;
  std::deque<grpc::ByteBuffer> unsent_ WINDROSE_GUARDED_BY(mutex_);
  uint64_t unsent_bytes_ WINDROSE_GUARDED_BY(mutex_) = 0;
  size_t unanswered_ WINDROSE_GUARDED_BY(mutex_) = 0;  // calls
  bool write_under_way_ WINDROSE_GUARDED_BY(mutex_) = false;
  bool closed_ WINDROSE_GUARDED_BY(mutex_) = false;
  bool released_ WINDROSE_GUARDED_BY(mutex_) = false;
  std::shared_ptr<FrameStream> self_;
};

Status WorkerStreams::FrameStream::Write(std::vector<std::byte> frame) {
  Step step = Step::kNothing;
  {
    MutexLock lock(mutex_);
    if (closed_) return OkStatus();  // That it broke is on its way to the engine.
    unsent_bytes_ += frame.size();
    if (unsent_bytes_ > connection_->config.max_unsent_bytes) {
      return ResourceExhausted("worker does not read what it is sent");
    }
    unsent_.push_back(wire::ToByteBuffer(std::move(frame)));
    ++unanswered_;
    step = NextStep();
  }
  Do(step);
  return OkStatus();
}

void WorkerStreams::FrameStream::Close() {
  Step step = Step::kNothing;
  {
    MutexLock lock(mutex_);
    closed_ = true;
    unsent_.clear();
    step = NextStep();
  }
  context_.TryCancel();
  Do(step);
}

void WorkerStreams::FrameStream::OnReadDone(bool ok) {
  if (!ok) return Close();
  connection_->Heard();
  const Status taken = TakeReply();
  if (!taken.ok()) {
    connection_->PostBadReply(taken);
    return Close();
  }
  StartRead(&received_);
}

void WorkerStreams::FrameStream::OnWriteDone(bool ok) {
  Step step = Step::kNothing;
  {
    MutexLock lock(mutex_);
    write_under_way_ = false;
    unsent_bytes_ -= writing_.Length();
    writing_.Clear();
    if (!ok) {
      closed_ = true;
      unsent_.clear();
    }
    step = NextStep();
  }
  Do(step);
}

void WorkerStreams::FrameStream::OnDone(const grpc::Status& status) {
  connection_->PostBroken(FromGrpc(status, "frame stream"));
  StreamCount& count = connection_->count;
  self_.reset();  // May destroy this.
  count.Remove();
}

WorkerStreams::FrameStream::Step WorkerStreams::FrameStream::NextStep() {
  if (write_under_way_) return Step::kNothing;
  if (!unsent_.empty()) {
    write_under_way_ = true;
    writing_ = unsent_.front();  // shares the bytes
    unsent_.pop_front();
    return Step::kWrite;
  }
  if (!closed_ || released_) return Step::kNothing;
  released_ = true;
  return Step::kRelease;
}

void WorkerStreams::FrameStream::Do(Step step) {
  if (step == Step::kWrite) StartWrite(&writing_);
  if (step == Step::kRelease) RemoveHold();
}

// Hands the reply to the loop, whole and checked. No more of them wait there than calls were sent.
Status WorkerStreams::FrameStream::TakeReply() {
  const wire::FrameLimits& limits = connection_->config.reply_limits;
  const auto reply = std::make_shared<ReceivedReply>();
  ASSIGN_OR_RETURN(reply->received, wire::Gather(received_, wire::MaxFrameBytes(limits)));
  ASSIGN_OR_RETURN(reply->frame, wire::DecodeReply(reply->received.bytes, limits));
  {
    MutexLock lock(mutex_);
    if (unanswered_ == 0) return ResourceExhausted("worker sends more replies than were asked for");
    --unanswered_;
  }
  connection_->Post([reply](WorkerEvents& to) { to.OnReply(reply->frame); });
  return OkStatus();
}

WorkerStreams::WorkerStreams(const std::string& address, const WorkerStreamsSetup& setup,
                             std::weak_ptr<WorkerEvents> events)
    : connection_(std::make_shared<Connection>(address, setup, std::move(events))),
      status_stream_(std::make_shared<StatusStream>(connection_)) {
  status_stream_->Start(status_stream_);
}

WorkerStreams::~WorkerStreams() {
  status_stream_->Cancel();
  if (frame_stream_ != nullptr) frame_stream_->Close();
}

void WorkerStreams::OpenFrames() {
  frame_stream_ = std::make_shared<FrameStream>(connection_);
  frame_stream_->Start(frame_stream_);
}

Status WorkerStreams::Write(std::vector<std::byte> frame) {
  return frame_stream_->Write(std::move(frame));
}

TimePoint WorkerStreams::last_heard() const { return connection_->last_heard; }

}  // namespace windrose
