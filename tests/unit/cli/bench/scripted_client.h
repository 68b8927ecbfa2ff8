// ScriptedClient: an HttpClient whose answers a test writes, and a clock that it moves.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/net/http_client.h"

namespace windrose::cli {

// Stands still until it is moved. Thread-safe.
class HandClock final : public Clock {
 public:
  TimePoint Now() const override { return TimePoint(Duration(nanoseconds_.load())); }
  int64_t UnixSeconds() const override { return 0; }
  void Move(Duration by) { nanoseconds_ += by.count(); }

 private:
  std::atomic<int64_t> nanoseconds_{0};
};

inline TimePoint At(int64_t milliseconds) { return TimePoint(Milliseconds(milliseconds)); }

// Thread-safe when its answer is.
class ScriptedClient final : public HttpClient {
 public:
  using Answer = std::function<StatusOr<HttpResponse>(const HttpClientRequest&, BodyCallback)>;

  explicit ScriptedClient(Answer answer) : answer_(std::move(answer)) {}

  StatusOr<HttpResponse> Do(const HttpClientRequest& request,
                            const BodyCallback& on_body) override {
    if (interrupted) return Cancelled("interrupted");
    return answer_(request, on_body);
  }
  void Close() override {}
  void Interrupt() override { interrupted = true; }

  std::atomic<bool> interrupted{false};

 private:
  Answer answer_;
};

// Events of a completion, as a router writes them.
inline std::string PieceEvent(const std::string& text) {
  return R"(data: {"choices":[{"text":")" + text + "\"}]}\n\n";
}

inline std::string EndOfStream(int prompt_tokens, int completion_tokens) {
  return "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}]}\n\n"
         "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":" +
         std::to_string(prompt_tokens) +
         ",\"completion_tokens\":" + std::to_string(completion_tokens) + "}}\n\ndata: [DONE]\n\n";
}

}  // namespace windrose::cli
