// RequestHandler: one generation request over HTTP, from admission to the end of its answer.
//
// It waits for its turn, runs one Generation per choice, a few at a time, and gives their events to
// the sink. A client that goes away ends everything at once. Loop thread only; the responder's
// callbacks, which come on other threads, are posted.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/event_loop.h"
#include "common/net/http_server.h"
#include "router/proxy/admission.h"
#include "router/proxy/answer_sink.h"
#include "router/proxy/fan_out.h"
#include "router/proxy/generation.h"
#include "router/proxy/router_probe.h"

namespace windrose::router {

struct RequestOptions {
  Duration deadline = Seconds(600);             // from arrival to the end of the answer
  Duration keep_alive = Seconds(15);            // silence of a stream before a comment
  uint32_t parallel_choices = 16;               // of one request
  size_t pause_bytes = 64 * 1024;               // unsent bytes of a stream at which reading pauses
  uint64_t logprob_values = uint64_t{1} << 20;  // log-probabilities in one whole answer
};

// One HTTP request, as far as it is not in the plan.
struct HttpExchange {
  std::string request_id;
  Route route = Route::kOther;
  TimePoint arrived;
  std::shared_ptr<HttpResponder> responder;
};

class RequestHandler {
 public:
  // All must outlive the handler.
  struct Parts {
    EventLoop& loop;
    const Clock& clock;
    Admission& admission;
    Generation::Parts& generation;
    Entropy& entropy;
    const RouterProbe& probe;
    RequestOptions options;
  };

  // `on_end` runs last, once; the owner destroys the handler then or later.
  RequestHandler(Parts& parts, RequestPlan plan, HttpExchange exchange,
                 std::function<void()> on_end);
  ~RequestHandler();
  RequestHandler(const RequestHandler&) = delete;
  RequestHandler& operator=(const RequestHandler&) = delete;

  void Start();

 private:
  class Choice;

  void OnAdmitted(StatusOr<std::unique_ptr<Admission::Ticket>> ticket);
  void StartChoices();
  void OnChoiceStarted(Choice& choice, StartedEvent event);
  void OnChoiceToken(Choice& choice, TokenEvent event);
  void OnChoiceFinished(Choice& choice, const FinishedEvent& event);
  void OnFailed(const Status& status);
  void OnDisconnect();
  void PauseIfSlow();
  void Resume();
  void End(int http_status);
  // Wraps `action` so that it may be called on any thread and at any time.
  std::function<void()> Posted(void (RequestHandler::*action)());

  Parts& parts_;
  RequestPlan plan_;
  HttpExchange exchange_;
  std::function<void()> on_end_;
  std::unique_ptr<ResponseFormat> format_;
  std::unique_ptr<AnswerSink> sink_;
  uint64_t admission_id_ = 0;
  std::unique_ptr<Admission::Ticket> ticket_;
  std::vector<std::unique_ptr<Choice>>
      choices_;  // by index; null before the start and after the end
  size_t next_choice_ = 0;
  size_t running_ = 0;
  Usage usage_;
  bool has_head_ = false;
  bool had_tokens_ = false;
  bool paused_ = false;
  bool ended_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace windrose::router
