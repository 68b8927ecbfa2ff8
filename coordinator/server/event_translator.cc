#include "coordinator/server/event_translator.h"

#include <string>
#include <utility>

#include "coordinator/text/detokenizer.h"

namespace windrose {
namespace {

namespace pb = inference::v1;

void FillLogprob(const Tokenizer& tokenizer, const TokenLogprob& logprob, pb::TokenLogprob* proto) {
  proto->set_id(logprob.id.value());
  proto->set_text(std::string(tokenizer.Bytes(logprob.id)));
  proto->set_logprob(logprob.logprob);
}

void FillToken(const Tokenizer& tokenizer, TokenEvent event, pb::Token* proto) {
  proto->set_id(event.id.value());
  proto->set_index(event.index);
  proto->set_text(std::move(event.text));
  if (event.logprob) FillLogprob(tokenizer, *event.logprob, proto->mutable_logprob());
  for (const TokenLogprob& logprob : event.top) FillLogprob(tokenizer, logprob, proto->add_top());
}

}  // namespace

pb::GenerateEvent TranslateStarted(const ServedModel& model, const Tokenizer& tokenizer,
                                   uint32_t prompt_tokens,
                                   const std::vector<TokenEvent>& echoed_prompt,
                                   uint32_t max_tokens) {
  pb::GenerateEvent event;
  pb::Started* started = event.mutable_started();
  started->set_model(model.id);
  started->set_prompt_tokens(prompt_tokens);
  started->set_system_fingerprint(model.system_fingerprint);
  started->set_max_tokens(max_tokens);
  // The engine does not detokenize prompts.
  Detokenizer detokenizer(tokenizer, /*drop_leading_space=*/true);
  for (const TokenEvent& token : echoed_prompt) {
    pb::Token* proto = started->add_prompt();
    FillToken(tokenizer, token, proto);
    proto->set_text(detokenizer.Push(token.id));
  }
  if (!echoed_prompt.empty()) {
    started->mutable_prompt(started->prompt_size() - 1)
        ->mutable_text()
        ->append(detokenizer.Flush());
  }
  return event;
}

pb::GenerateEvent TranslateToken(const Tokenizer& tokenizer, TokenEvent token) {
  pb::GenerateEvent event;
  FillToken(tokenizer, std::move(token), event.mutable_token());
  return event;
}

pb::GenerateEvent TranslateFinish(uint32_t prompt_tokens, Finish finish) {
  pb::GenerateEvent event;
  pb::Finished* finished = event.mutable_finished();
  finished->set_reason(finish.reason == FinishReason::kStop ? pb::FINISH_REASON_STOP
                                                            : pb::FINISH_REASON_LENGTH);
  finished->set_text(std::move(finish.text));
  finished->set_stop_string(std::move(finish.stop_string));
  finished->set_prompt_tokens(prompt_tokens);
  finished->set_generated_tokens(finish.generated_tokens);
  return event;
}

}  // namespace windrose
