#include "cli/bench/completion_call.h"

#include "cli/chat/event_stream.h"
#include "cli/chat/http_chat_backend.h"

namespace windrose::cli {
namespace {

constexpr int kHttpOk = 200;
constexpr size_t kMaxErrorBytes = 64 * 1024;

}  // namespace

StreamRecord MeasureCompletion(HttpClient& client, const Clock& clock, const CompletionCall& call,
                               const PieceCallback& on_piece) {
  StreamRecorder recorder(call.prompt_tokens, clock.Now());
  EventStream events([&](const std::string& data) { recorder.OnEvent(data, clock.Now()); });
  std::string error_body;  // what came, as long as it might be an error's JSON
  Status broken;
  const auto on_body = [&](std::string_view bytes) {
    if (error_body.size() + bytes.size() <= kMaxErrorBytes) error_body += bytes;
    const uint32_t pieces_before = recorder.pieces();
    broken = events.Feed(bytes);
    bool go_on = broken.ok();
    for (uint32_t piece = pieces_before; piece < recorder.pieces(); ++piece) {
      go_on = on_piece() && go_on;
    }
    return go_on;
  };
  const HttpClientRequest request{"POST", "/v1/completions", call.fields, call.body};
  const StatusOr<HttpResponse> response = client.Do(request, on_body);
  Status status = broken.ok() ? response.status() : broken;
  if (status.ok() && response->status != kHttpOk) {
    status = HttpFailure(response->status, error_body + response->body);
  }
  return recorder.Finish(status, clock.Now());
}

}  // namespace windrose::cli
