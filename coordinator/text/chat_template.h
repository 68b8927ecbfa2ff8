// The Mixtral-Instruct prompt, built from token ids.
//
//   prompt    = <s> *( user | assistant )
//   user      = encode("[INST] " content " [/INST]")
//   assistant = encode(content) </s>          the last one without </s> when it is to be continued
//
// Each part is encoded on its own with SentencePiece's dummy prefix, so no text can reach across
// parts or become <s> or </s>. Normalised as mistral-common's InstructTokenizerV1 does: neighbours
// of one role are merged with a blank line; system (and developer) messages, from wherever they
// stand, go in front of the first user message; a conversation that starts with the assistant gets
// an empty user message first. The same as a template's text is kOwnChatTemplate
// (common/model/chat_template_check.h), for the warning about a model that comes with another. Pure
// functions; thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "coordinator/text/tokenizer.h"

namespace windrose {

struct ChatMessage {
  std::string role;  // system, developer, user, assistant
  std::string content;
};

// Whether messages of this role go in front of the first user message, from wherever they stand.
bool IsSystemRole(std::string_view role);

// INVALID_ARGUMENT naming messages[i] for an unknown role, an assistant message without content, no
// messages at all, or nothing of the assistant's to continue.
StatusOr<std::vector<TokenId>> BuildChatPrompt(const Tokenizer& tokenizer,
                                               std::span<const ChatMessage> messages,
                                               bool continue_final_message);

}  // namespace windrose
