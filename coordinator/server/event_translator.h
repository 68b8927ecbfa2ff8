// The engine's events to the contract's. Pure; Thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "coordinator/server/served_model.h"
#include "coordinator/text/tokenizer.h"
#include "coordinator/values/request.h"
#include "windrose/inference/v1/inference.pb.h"

namespace windrose {

inference::v1::GenerateEvent TranslateStarted(const ServedModel& model, const Tokenizer& tokenizer,
                                              uint32_t prompt_tokens,
                                              const std::vector<TokenEvent>& echoed_prompt,
                                              uint32_t max_tokens);
inference::v1::GenerateEvent TranslateToken(const Tokenizer& tokenizer, TokenEvent event);
inference::v1::GenerateEvent TranslateFinish(uint32_t prompt_tokens, Finish finish);

}  // namespace windrose
