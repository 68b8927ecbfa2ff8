#include "coordinator/engine/answer.h"

#include <algorithm>

namespace windrose {

Answer::Answer(const Tokenizer& tokenizer, const Request& request, const std::vector<TokenId>& ends)
    : detokenizer_(tokenizer, request.drop_leading_space),
      stop_matcher_(request.stop),
      max_tokens_(request.max_tokens) {
  if (!request.ignore_eos) ends_ = ends;
}

std::string Answer::Append(TokenId token) {
  ++token_count_;
  StopMatcher::Output output = stop_matcher_.Push(detokenizer_.Push(token));
  if (output.matched) {
    finish_ = Finish{.reason = FinishReason::kStop,
                     .text = {},
                     .stop_string = stop_matcher_.stop_string(*output.matched),
                     .generated_tokens = token_count_};
  } else if (std::find(ends_.begin(), ends_.end(), token) != ends_.end()) {
    End(FinishReason::kStop);
  } else if (token_count_ >= max_tokens_) {
    End(FinishReason::kLength);
  }
  return std::move(output.text);
}

void Answer::End(FinishReason reason) {
  StopMatcher::Output rest = stop_matcher_.Push(detokenizer_.Flush());
  finish_ = Finish{.reason = reason,
                   .text = std::move(rest.text),
                   .stop_string = {},
                   .generated_tokens = token_count_};
  if (rest.matched) {
    finish_->reason = FinishReason::kStop;
    finish_->stop_string = stop_matcher_.stop_string(*rest.matched);
  } else {
    finish_->text += stop_matcher_.Flush();
  }
}

}  // namespace windrose
