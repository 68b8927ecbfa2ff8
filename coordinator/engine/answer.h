// Answer: the text of one sequence as it grows, and where it ends. Owned by its request; engine
// thread only.
//
// A pure function of the tokens appended so far, so a replayed sequence goes on with the same
// bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "coordinator/text/detokenizer.h"
#include "coordinator/text/stop.h"
#include "coordinator/text/tokenizer.h"
#include "coordinator/values/request.h"

namespace windrose {

class Answer {
 public:
  // `tokenizer` must outlive this. `ends` are the model's end-of-text tokens.
  Answer(const Tokenizer& tokenizer, const Request& request, const std::vector<TokenId>& ends);

  // Appends a token; returns the text that became final with it. Sets finish() when it was the
  // last.
  std::string Append(TokenId token);

  uint32_t token_count() const { return token_count_; }
  // How the answer ended; nullopt while it goes on.
  const std::optional<Finish>& finish() const { return finish_; }
  // Ends an answer whose limit allows no token at all.
  void EndAtLimit() { End(FinishReason::kLength); }
  // Forgets how it ended: the request failed.
  void Discard() { finish_.reset(); }

 private:
  void End(FinishReason reason);

  Detokenizer detokenizer_;
  StopMatcher stop_matcher_;
  std::vector<TokenId> ends_;
  uint32_t max_tokens_;
  uint32_t token_count_ = 0;
  std::optional<Finish> finish_;
};

}  // namespace windrose
