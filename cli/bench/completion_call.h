// One streamed request to POST /v1/completions, timed. Blocks; thread-safe with a client per
// thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/bench/stream_recorder.h"
#include "common/base/time.h"
#include "common/net/http_client.h"

namespace windrose::cli {

struct CompletionCall {
  std::vector<HttpField> fields;
  std::string body;
  uint32_t prompt_tokens = 0;  // as many as the body holds
};

// Called after each piece of the answer; false cuts it.
using PieceCallback = std::function<bool()>;

// The record of the request, however it ended.
StreamRecord MeasureCompletion(HttpClient& client, const Clock& clock, const CompletionCall& call,
                               const PieceCallback& on_piece);

}  // namespace windrose::cli
