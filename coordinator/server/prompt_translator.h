// Prompts of the contract to token ids. Thread-safe: reads only; runs on RPC threads.
#pragma once

#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "coordinator/server/request_limits.h"
#include "coordinator/server/served_model.h"
#include "coordinator/text/tokenizer.h"
#include "windrose/inference/v1/inference.pb.h"

namespace windrose {

// NOT_FOUND with code model_not_found unless `model` answers to `name`.
Status CheckModelName(const ServedModel& model, const std::string& name);

// INVALID_ARGUMENT naming messages[i] or the limit. Text never becomes a control token.
StatusOr<std::vector<TokenId>> TranslateChat(const Tokenizer& tokenizer,
                                             const inference::v1::ChatPrompt& prompt,
                                             const RequestLimits& limits);
StatusOr<std::vector<TokenId>> TranslateText(const Tokenizer& tokenizer,
                                             const inference::v1::TextPrompt& prompt,
                                             const RequestLimits& limits);

// Ids as given, each in the vocabulary. `param` names the field.
StatusOr<std::vector<TokenId>> TranslateIds(const Tokenizer& tokenizer,
                                            const google::protobuf::RepeatedField<uint32_t>& ids,
                                            const std::string& param);

}  // namespace windrose
