#include "router/server/generate_call_reactor.h"

#include <algorithm>
#include <utility>

#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

// Events that wait for a slow client before the coordinator is not read any more.
constexpr size_t kPauseAt = 64;
constexpr size_t kResumeAt = 16;
constexpr int64_t kLongestSeconds = 24 * 60 * 60;

bool NeedsSeed(const GenerateCall& call) {
  return !call.resume_tokens.empty() && !call.sampling.seed.has_value() &&
         call.sampling.temperature.value_or(1.0F) != 0.0F;
}

}  // namespace

Duration TimeLeft(const grpc::CallbackServerContext& context, Duration longest) {
  const gpr_timespec deadline = gpr_convert_clock_type(context.raw_deadline(), GPR_CLOCK_MONOTONIC);
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(GPR_CLOCK_MONOTONIC));
  if (left.tv_sec >= kLongestSeconds) return longest;
  return std::min(longest, Seconds(left.tv_sec) + Duration(left.tv_nsec));
}

GenerateCallReactor::GenerateCallReactor(const Parts& parts, grpc::CallbackServerContext& context,
                                         const proto::GenerateRequest& request)
    : parts_(parts),
      place_(std::in_place, parts.calls),
      context_(context),
      arrived_(parts.loop.Now()),
      deadline_(arrived_ + TimeLeft(context, parts.proxy.options().request.deadline)) {
  parts_.loop.Post([this, call = FromProto(request)]() mutable { Begin(std::move(call)); });
}

GenerateCallReactor::~GenerateCallReactor() { parts_.loop.CancelTimer(write_timer_); }

void GenerateCallReactor::Begin(StatusOr<GenerateCall> call) {
  parts_.probe.OnIncoming();
  if (finished_) return;
  if (!call.ok()) return End(call.status());
  if (NeedsSeed(*call)) {
    return End(BadField("sampling.seed", "missing_required_parameter",
                        "'resume_tokens' needs 'sampling.seed' unless 'temperature' is 0"));
  }
  StatusOr<std::string> model = parts_.proxy.ResolveModel(call->model);
  if (!model.ok()) return End(model.status());
  call->model = std::move(*model);
  if (call->request_id.empty()) call->request_id = std::to_string(parts_.entropy.Next());
  admission_id_ = parts_.proxy.admission().Request(
      [this, call = std::move(*call)](StatusOr<std::unique_ptr<Admission::Ticket>> ticket) {
        if (!ticket.ok()) return End(ticket.status());
        ticket_ = std::move(*ticket);
        Run(call);
      });
}

void GenerateCallReactor::Run(GenerateCall call) {
  generation_ = std::make_unique<Generation>(parts_.proxy.generation_parts(), std::move(call),
                                             deadline_, static_cast<GenerationListener&>(*this));
  generation_->Start();
}

void GenerateCallReactor::OnStarted(StartedEvent event) { Queue(std::move(event)); }

void GenerateCallReactor::OnToken(TokenEvent event) { Queue(std::move(event)); }

void GenerateCallReactor::OnFinished(FinishedEvent event) {
  Queue(std::move(event));
  End(OkStatus());
}

void GenerateCallReactor::OnFailed(const Status& status) { End(status); }

void GenerateCallReactor::Queue(const GenerateEvent& event) {
  if (finished_) return;
  ToProto(event, queue_.emplace_back());
  if (!paused_ && queue_.size() >= kPauseAt) {
    paused_ = true;
    generation_->SetPaused(true);
  }
  WriteNext();
}

void GenerateCallReactor::WriteNext() {
  if (writing_ || finished_) return;
  if (!queue_.empty()) {
    writing_ = true;
    write_began_ = parts_.loop.Now();
    if (write_timer_ == 0) WatchWrite(parts_.write_timeout);
    return StartWrite(&queue_.front());
  }
  if (!result_.has_value()) return;
  finished_ = true;
  parts_.probe.OnGrpcRequest("Generate", static_cast<int>(result_->code()),
                             parts_.loop.Now() - arrived_);
  Finish(ToGrpcStatus(*result_));
}

void GenerateCallReactor::WatchWrite(Duration delay) {
  write_timer_ = parts_.loop.After(delay, [this] { CheckWrite(); });
}

void GenerateCallReactor::CheckWrite() {
  write_timer_ = 0;
  if (!writing_) return;
  const Duration taken = parts_.loop.Now() - write_began_;
  if (taken < parts_.write_timeout) return WatchWrite(parts_.write_timeout - taken);
  End(DeadlineExceeded("the client took no event for too long"));
  // The context is there: gRPC lets go of it after Finish, which waits for the write.
  context_.TryCancel();
}

void GenerateCallReactor::End(const Status& status) {
  if (result_.has_value()) return;
  result_ = status;
  generation_.reset();
  ticket_.reset();
  parts_.proxy.admission().Forget(admission_id_);
  WriteNext();
}

void GenerateCallReactor::OnWriteDone(bool ok) {
  parts_.loop.Post([this, ok] {
    writing_ = false;
    ok ? queue_.pop_front() : queue_.clear();
    if (paused_ && queue_.size() <= kResumeAt && generation_ != nullptr) {
      paused_ = false;
      generation_->SetPaused(false);
    }
    WriteNext();
  });
}

void GenerateCallReactor::OnCancel() {
  parts_.loop.Post([this] {
    if (result_.has_value()) return;
    parts_.probe.OnDisconnect(generation_ != nullptr);
    End(Cancelled("the client is gone"));
  });
}

void GenerateCallReactor::OnDone() {
  place_.reset();
  // Everything posted before has run by then.
  parts_.loop.Post([this] { delete this; });
}

}  // namespace windrose::router
