// Admission: how many requests are answered at once, how many wait, and for how long.
//
// What does not fit is refused at once; a refusal costs nothing. First come, first served. Loop
// thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>

#include "common/base/event_loop.h"
#include "common/base/status.h"
#include "router/proxy/router_probe.h"

namespace windrose::router {

struct AdmissionOptions {
  uint32_t in_flight_limit = 256;
  uint32_t queue_limit = 256;
  Duration queue_timeout = Seconds(30);
};

class Admission {
 public:
  // A place among the requests in flight; its end admits the next. Must not outlive the Admission.
  class Ticket {
   public:
    explicit Ticket(Admission& admission) : admission_(admission) {}
    ~Ticket() { admission_.Release(); }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

   private:
    Admission& admission_;
  };
  using Callback = std::function<void(StatusOr<std::unique_ptr<Ticket>>)>;

  Admission(EventLoop& loop, const RouterProbe& probe, AdmissionOptions options);

  // Calls back exactly once: at once when there is a place or no hope, else later; never after
  // Forget. The id is for Forget.
  uint64_t Request(Callback callback);
  // The request is not wanted any more.
  void Forget(uint64_t request_id);

  uint32_t in_flight() const { return in_flight_; }
  size_t waiting() const { return queue_.size(); }

 private:
  struct Waiter {
    uint64_t request_id = 0;
    TimePoint since;
    uint64_t timer = 0;
    Callback callback;
  };

  void Admit(const Callback& callback);
  void Release();
  void AdmitNext();
  void OnQueueTimeout(uint64_t request_id);
  void Report() const;

  EventLoop& loop_;
  const RouterProbe& probe_;
  const AdmissionOptions options_;
  uint32_t in_flight_ = 0;
  uint64_t last_id_ = 0;
  std::list<Waiter> queue_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is posted
};

}  // namespace windrose::router
