// AnswerSink: where the events of a request's choices become an HTTP answer. Loop thread only.
//
// OnStarted once per choice before its tokens; then exactly one of OnComplete and OnFailed for the
// whole.
#pragma once

#include <cstdint>
#include <memory>

#include "common/base/event_loop.h"
#include "common/net/http_server.h"
#include "router/api/openai_response.h"
#include "router/proxy/router_probe.h"
#include "router/values/generation_values.h"

namespace windrose::router {

class AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  // `echo`: the text of the prompt, to be shown in front.
  virtual void OnStarted(uint32_t choice, const StartedEvent& event, std::string echo) = 0;
  virtual void OnToken(uint32_t choice, TokenEvent event) = 0;
  virtual void OnFinished(uint32_t choice, const FinishedEvent& event) = 0;
  virtual void OnComplete(const Usage& usage) = 0;
  // Returns the HTTP status that the client saw.
  virtual int OnFailed(const Status& status) = 0;
};

struct SinkParts {
  EventLoop& loop;
  const RouterProbe& probe;
  std::shared_ptr<HttpResponder> responder;
  ResponseFormat& format;
  FormatOptions options;
  Duration keep_alive{};  // of silence before a comment is sent; 0: never
};

// Server-sent events, as they come. What fails after the first byte breaks the connection.
std::unique_ptr<AnswerSink> MakeStreamRelay(SinkParts parts);

// One body at the end.
std::unique_ptr<AnswerSink> MakeWholeAnswer(SinkParts parts, uint32_t choice_count);

// The answer to a request that failed before anything was sent.
HttpResponse ErrorResponse(const Status& status, bool late = false);

}  // namespace windrose::router
