// Whether the chat template that a model comes with asks for other prompts than Windrose makes. It
// is ignored in any case; a fine-tune that was trained on other prompts would answer badly, and
// nobody would know why. Pure functions; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/model/chat_template_file.h"

namespace windrose {

// What coordinator/text/chat_template.h builds, as a template: it renders to the same text, without
// the spaces that the tokenizer puts before each message, for messages of user and assistant in
// turn, the system's text being at the head of the first. Only its hash is used.
constexpr std::string_view kOwnChatTemplate =
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'] + ' [/INST]' }}{% else %}"
    "{{ message['content'] + eos_token }}{% endif %}{% endfor %}";

// Whether `text` makes prompts of Mixtral-Instruct's kind, as far as can be told without
// interpreting it.
bool MakesMixtralPrompts(std::string_view text);

// A sentence about what ReadChatTemplate or GgufSource::ChatTemplate has found; empty when there is
// nothing to warn of.
std::string ChatTemplateWarning(const StatusOr<ChatTemplateFile>& found);

}  // namespace windrose
