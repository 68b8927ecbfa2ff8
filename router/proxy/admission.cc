#include "router/proxy/admission.h"

#include <algorithm>
#include <string>
#include <utility>

#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

constexpr uint32_t kRetryAfterMs = 1000;

Status Refused(Status status, const char* code) {
  return WithDetail(std::move(status),
                    ErrorDetail{.code = code, .param = "", .retry_after_ms = kRetryAfterMs});
}

}  // namespace

Admission::Admission(EventLoop& loop, const RouterProbe& probe, AdmissionOptions options)
    : loop_(loop), probe_(probe), options_(options) {
  Report();
}

uint64_t Admission::Request(Callback callback) {
  const uint64_t request_id = ++last_id_;
  if (in_flight_ < options_.in_flight_limit && queue_.empty()) {
    probe_.OnQueueWait(Duration(0));
    Admit(callback);
  } else if (queue_.size() >= options_.queue_limit) {
    probe_.OnRejected(RejectReason::kQueueFull);
    callback(
        Refused(ResourceExhausted("too many requests: " + std::to_string(in_flight_) +
                                  " in flight and " + std::to_string(queue_.size()) + " waiting"),
                "server_overloaded"));
  } else {
    queue_.push_back(Waiter{
        .request_id = request_id,
        .since = loop_.Now(),
        .timer =
            loop_.After(options_.queue_timeout, [this, request_id] { OnQueueTimeout(request_id); }),
        .callback = std::move(callback)});
    Report();
  }
  return request_id;
}

void Admission::Admit(const Callback& callback) {
  ++in_flight_;
  Report();
  callback(std::make_unique<Ticket>(*this));
}

void Admission::Release() {
  --in_flight_;
  Report();
  if (queue_.empty()) return;
  // Posted: the ticket may be going away deep inside another request's callback.
  loop_.Post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.lock() != nullptr) AdmitNext();
  });
}

void Admission::AdmitNext() {
  if (queue_.empty() || in_flight_ >= options_.in_flight_limit) return;
  Waiter next = std::move(queue_.front());
  queue_.pop_front();
  loop_.CancelTimer(next.timer);
  probe_.OnQueueWait(loop_.Now() - next.since);
  Admit(next.callback);
}

void Admission::Forget(uint64_t request_id) {
  const auto waiter = std::find_if(queue_.begin(), queue_.end(), [&](const Waiter& candidate) {
    return candidate.request_id == request_id;
  });
  if (waiter == queue_.end()) return;
  loop_.CancelTimer(waiter->timer);
  queue_.erase(waiter);
  Report();
}

void Admission::OnQueueTimeout(uint64_t request_id) {
  const auto waiter = std::find_if(queue_.begin(), queue_.end(), [&](const Waiter& candidate) {
    return candidate.request_id == request_id;
  });
  if (waiter == queue_.end()) return;
  const Callback callback = std::move(waiter->callback);
  probe_.OnQueueWait(loop_.Now() - waiter->since);
  queue_.erase(waiter);
  Report();
  probe_.OnRejected(RejectReason::kQueueTimeout);
  callback(Refused(Unavailable("the request waited too long for its turn"), "queue_timeout"));
}

void Admission::Report() const {
  probe_.SetInFlight(in_flight_);
  probe_.SetQueue(static_cast<double>(queue_.size()), options_.queue_limit);
}

}  // namespace windrose::router
