// ActiveRequest: everything the engine keeps for one request until its end. Engine thread only.
#pragma once

#include <memory>
#include <vector>

#include "common/base/time.h"
#include "coordinator/engine/answer.h"
#include "coordinator/sample/sampler.h"
#include "coordinator/values/request.h"
#include "coordinator/values/sequence.h"

namespace windrose {

struct ActiveRequest {
  ActiveRequest(Request request_in, std::shared_ptr<TokenSink> sink_in, const Tokenizer& tokenizer,
                const std::vector<TokenId>& ends)
      : request(std::move(request_in)),
        sink(std::move(sink_in)),
        answer(tokenizer, request, ends) {}

  bool WantsPromptLogprobs() const { return request.echo && request.logprobs.has_value(); }

  Request request;
  std::shared_ptr<TokenSink> sink;
  Sequence sequence;
  Answer answer;
  TokenHistory history;
  std::vector<TokenEvent> echoed;  // the prompt's, complete when `started`
  bool started = false;
  TimePoint submitted;
  TimePoint scheduled;  // first rows computed
  TimePoint first_token;
  TimePoint last_token;
};

}  // namespace windrose
