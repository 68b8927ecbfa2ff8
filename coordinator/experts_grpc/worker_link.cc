#include "coordinator/experts_grpc/worker_link.h"

#include <utility>

#include "common/net/backoff.h"

namespace windrose {

// The events of one connection. Dropped with it, and with it whatever is still on its way.
class WorkerLink::Receiver final : public WorkerEvents {
 public:
  explicit Receiver(WorkerLink& link) : link_(link) {}

  void OnAnnouncement(const Announcement& announcement) override {
    link_.OnAnnouncement(announcement);
  }
  void OnStatusEnd() override { link_.OnStatusEnd(); }
  void OnFramesOpen() override { link_.OnFramesOpen(); }
  void OnReply(const wire::ReplyFrame& reply) override { link_.OnReply(reply); }
  void OnBadReply(const Status& why) override { link_.OnBadReply(why); }
  void OnBroken(const Status& why) override { link_.Break(why); }
  // From Send and Reset, which may not call the listener.
  void PostBreak(std::shared_ptr<Receiver> self, const Status& why) {
    link_.environment_.loop.Post([weak = std::weak_ptr<Receiver>(self), why] {
      if (const std::shared_ptr<Receiver> receiver = weak.lock()) receiver->link_.Break(why);
    });
  }

 private:
  WorkerLink& link_;
};

WorkerLink::WorkerLink(WorkerId worker, const std::string& address,
                       WorkerLinkEnvironment& environment)
    : worker_(worker), address_(address), environment_(environment) {
  Connect();
}

WorkerLink::~WorkerLink() { environment_.loop.CancelTimer(timer_id_); }

void WorkerLink::Send(const wire::CallFrame& call) {
  if (!reported_.has_value()) return;  // Its OnWorkerDown is past, or on its way.
  const Status written = streams_->Write(wire::Encode(call));
  if (!written.ok()) receiver_->PostBreak(receiver_, written);
}

void WorkerLink::Reset(const Status& why) {
  if (receiver_ == nullptr) return;
  ++suspicions_;
  receiver_->PostBreak(receiver_, Annotate(why, "reset"));
}

void WorkerLink::Close() {
  if (closed_) return;
  closed_ = true;
  environment_.loop.CancelTimer(timer_id_);
  Disconnect(Unavailable("address was removed"));
  environment_.listener->OnWorkerGone(worker_);
}

void WorkerLink::Reopen() {
  if (!closed_) return;
  closed_ = false;
  failures_ = 0;
  Connect();
}

void WorkerLink::Connect() {
  announcement_.reset();
  frames_asked_ = false;
  frames_open_ = false;
  draining_reported_ = false;
  receiver_ = std::make_shared<Receiver>(*this);
  streams_ = std::make_unique<WorkerStreams>(address_, environment_.streams(), receiver_);
  WatchSilence();
}

// The first try after a connection that was of use follows at once, unless the worker misbehaved.
void WorkerLink::ConnectLater() {
  const double uniform = static_cast<double>(environment_.entropy.Next() >> 11) * 0x1p-53;
  const uint32_t attempt = failures_ + suspicions_;
  const Duration pause =
      attempt == 0 ? Duration{} : BackoffDelay(environment_.config.reconnect, attempt - 1, uniform);
  ++failures_;
  timer_id_ = environment_.loop.After(pause, [this] { Connect(); });
}

void WorkerLink::OnAnnouncement(const Announcement& announcement) {
  announcement_ = announcement;
  if (reported_.has_value()) failures_ = 0;  // It has stayed up until its next heartbeat.
  if (announcement.state == AnnouncedState::kReady && !frames_asked_) {
    frames_asked_ = true;
    streams_->OpenFrames();
  }
  if (announcement.state == AnnouncedState::kDraining && reported_.has_value() &&
      !draining_reported_) {
    draining_reported_ = true;
    environment_.listener->OnWorkerDraining(worker_);
    return;
  }
  ReportUp();
}

// A worker that leaves also ends its frame stream, behind its last reply: that is waited for.
void WorkerLink::OnStatusEnd() {
  if (!frames_asked_) Break(Unavailable("status stream ended"));
}

void WorkerLink::OnFramesOpen() {
  frames_open_ = true;
  ReportUp();
}

void WorkerLink::OnReply(const wire::ReplyFrame& reply) {
  const uint32_t suspicions = suspicions_;
  environment_.listener->OnReply(worker_, reply);
  if (suspicions_ != suspicions) return;  // The listener did not like it.
  suspicions_ = 0;
  failures_ = 0;
}

void WorkerLink::OnBadReply(const Status& why) {
  ++suspicions_;
  environment_.listener->OnBadReply(worker_, why);
  Break(Annotate(why, "bad reply"));
}

// Tells the listener what it does not know yet.
void WorkerLink::ReportUp() {
  if (!frames_open_ || announcement_->state != AnnouncedState::kReady) return;
  const bool known = reported_.has_value() && !draining_reported_ &&
                     SameDescription(*reported_, announcement_->description);
  if (known) return;
  last_reason_.clear();
  draining_reported_ = false;
  reported_ = announcement_->description;
  environment_.listener->OnWorkerUp(worker_, *reported_);
}

void WorkerLink::Break(const Status& why) {
  if (closed_ || streams_ == nullptr) return;
  environment_.loop.CancelTimer(timer_id_);
  // A worker that never came up on this connection is not told down; say once why not.
  if (!reported_.has_value() && last_reason_ != ToString(why)) {
    last_reason_ = ToString(why);
    environment_.log.Info(
        "worker_unreachable",
        {{"worker", worker_.value()}, {"address", address_}, {"why", last_reason_}});
  }
  ConnectLater();
  Disconnect(why);
}

void WorkerLink::Disconnect(const Status& why) {
  receiver_.reset();
  streams_.reset();
  if (!reported_.has_value()) return;
  reported_.reset();
  environment_.listener->OnWorkerDown(worker_, why);
}

// What was heard is noted on gRPC's threads, so a loop that was busy does not take itself for a
// silent worker.
void WorkerLink::WatchSilence() {
  const Duration limit = environment_.config.silence_limit;
  const Duration silent = environment_.loop.Now() - streams_->last_heard();
  if (silent >= limit) return Break(DeadlineExceeded("worker was silent for too long"));
  timer_id_ = environment_.loop.After(limit - silent, [this] { WatchSilence(); });
}

}  // namespace windrose
