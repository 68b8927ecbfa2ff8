// The chat template that a model comes with, found but not understood: nothing here, nor anywhere
// else, interprets it. It is one of these, the first that is there:
//
//   chat_template.jinja     the text itself
//   tokenizer_config.json   {"chat_template": template, …}
//   chat_template.json      likewise
//
//   template = string | [{"name": string, "template": string}…]     of which "default" counts
//
// Thread-safe (a function).
#pragma once

#include <cstddef>
#include <string>

#include "common/base/status.h"

namespace windrose {

constexpr size_t kMaxChatTemplateFileBytes = 1 << 20;

struct ChatTemplateFile {
  std::string file;  // where it stands, a plain name
  std::string text;  // any bytes, at least one
};

// NOT_FOUND when the model has none; other errors name the file that may have one and cannot be
// read.
StatusOr<ChatTemplateFile> ReadChatTemplate(const std::string& directory);

}  // namespace windrose
