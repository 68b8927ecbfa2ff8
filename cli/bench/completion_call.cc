#include "cli/bench/completion_call.h"

#include "cli/chat/api_request.h"

namespace windrose::cli {

StreamRecord MeasureCompletion(HttpClient& client, const Clock& clock, const CompletionCall& call,
                               const PieceCallback& on_piece) {
  StreamRecorder recorder(call.prompt_tokens, clock.Now());
  EventStream events([&](const std::string& data) { recorder.OnEvent(data, clock.Now()); });
  uint32_t told = 0;  // pieces
  const auto tell_pieces = [&] {
    bool go_on = true;
    for (; told < recorder.pieces(); ++told) go_on = on_piece() && go_on;
    return go_on;
  };
  const HttpClientRequest request{"POST", "/v1/completions", call.fields, call.body};
  const Status status = ReadEvents(client, request, events, tell_pieces);
  return recorder.Finish(status, clock.Now());
}

}  // namespace windrose::cli
