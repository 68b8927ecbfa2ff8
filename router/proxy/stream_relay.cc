// StreamRelay: choices' events as server-sent events.
#include <span>
#include <utility>

#include "router/api/error.h"
#include "router/api/sse.h"
#include "router/proxy/answer_sink.h"

namespace windrose::router {
namespace {

class StreamRelay final : public AnswerSink {
 public:
  explicit StreamRelay(SinkParts parts) : parts_(std::move(parts)) {
    last_write_ = parts_.loop.Now();
    if (parts_.keep_alive > Duration(0)) WatchSilence(parts_.keep_alive);
  }
  ~StreamRelay() override { parts_.loop.CancelTimer(timer_); }

  void OnStarted(uint32_t choice, const StartedEvent& event, std::string echo) override {
    const std::string first = parts_.format.FirstChunk(choice);
    if (!first.empty()) WriteEvent(first);
    if (!echo.empty() || !event.prompt.empty()) {
      WriteEvent(parts_.format.TextChunk(choice, echo, ShownTokens(event.prompt)));
    }
    Begin();
  }

  void OnToken(uint32_t choice, TokenEvent event) override {
    const auto tokens = ShownTokens(std::span(&event, 1));
    if (event.text.empty() && tokens.empty()) return;
    WriteEvent(parts_.format.TextChunk(choice, event.text, tokens));
  }

  void OnFinished(uint32_t choice, const FinishedEvent& event) override {
    if (!event.text.empty()) WriteEvent(parts_.format.TextChunk(choice, event.text, {}));
    WriteEvent(parts_.format.FinishChunk(choice, event.reason));
  }

  void OnComplete(const Usage& usage) override {
    if (parts_.options.include_usage) WriteEvent(parts_.format.UsageChunk(usage));
    Write(SseDone());
    parts_.responder->Finish();
  }

  int OnFailed(const Status& status) override {
    if (!begun_) {
      const HttpResponse response = ErrorResponse(status);
      parts_.responder->Send(response);
      return response.status;
    }
    parts_.probe.OnStreamError();
    WriteEvent(ErrorBody(ToErrorAnswer(status, true)));
    parts_.responder->Break();
    return 200;
  }

 private:
  // Tokens are shown only when log-probabilities are.
  std::span<const TokenEvent> ShownTokens(std::span<const TokenEvent> tokens) const {
    return parts_.options.logprobs.has_value() ? tokens : std::span<const TokenEvent>();
  }

  void Begin() {
    if (std::exchange(begun_, true)) return;
    parts_.responder->StartStream(200, {{"Content-Type", kSseContentType},
                                        {"Cache-Control", "no-cache"},
                                        {"X-Accel-Buffering", "no"}});
  }

  void WriteEvent(const std::string& json) { Write(SseEvent(json)); }

  void Write(const std::string& bytes) {
    Begin();
    last_write_ = parts_.loop.Now();
    // A false means that the client is gone, which OnDisconnect tells too.
    static_cast<void>(parts_.responder->Write(bytes));
  }

  void WatchSilence(Duration delay) {
    timer_ = parts_.loop.After(delay, [this] {
      const Duration silence = parts_.loop.Now() - last_write_;
      if (silence < parts_.keep_alive) return WatchSilence(parts_.keep_alive - silence);
      // While the client still takes what was written, the stream is not silent.
      if (parts_.responder->pending_bytes() == 0) {
        parts_.probe.OnKeepAlive();
        Write(SsePing());
      }
      WatchSilence(parts_.keep_alive);
    });
  }

  SinkParts parts_;
  bool begun_ = false;
  TimePoint last_write_;
  uint64_t timer_ = 0;
};

}  // namespace

std::unique_ptr<AnswerSink> MakeStreamRelay(SinkParts parts) {
  return std::make_unique<StreamRelay>(std::move(parts));
}

}  // namespace windrose::router
