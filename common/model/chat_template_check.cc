#include "common/model/chat_template_check.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "common/base/hex.h"

namespace windrose {
namespace {

// In 64 digits, as sha256sum prints it.
std::string Sha256Of(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
  std::string hex;
  for (const unsigned char byte : hash) hex += HexDigits(byte, 2);
  return hex;
}

std::string CompiledIn() {
  return "the compiled-in one, [INST] … [/INST] (SHA-256 " + Sha256Of(kOwnChatTemplate) + ")";
}

}  // namespace

// Not by hash: several texts were published for Mixtral-8x7B-Instruct alone, with and without a
// system message, and fine-tunes that keep its prompts have texts of their own. A false alarm about
// one of them would teach people to overlook the true ones. All of them write "[INST] " before a
// message and " [/INST]" behind it; those that lack the spaces, as of Mistral's later tokenizers,
// make other prompts. What makes Mixtral's marks and others besides is another kind: Llama 2
// (<<SYS>>), later Mistrals, and whatever has marks such as <|im_start|> or Alpaca's headings.
bool MakesMixtralPrompts(std::string_view text) {
  const auto has = [text](std::string_view mark) {
    return text.find(mark) != std::string_view::npos;
  };
  constexpr std::array<std::string_view, 4> kMarksOfOthers = {"<|", "<<SYS>>", "[SYSTEM_PROMPT]",
                                                              "### Instruction"};
  return has("[INST] ") && has(" [/INST]") &&
         std::none_of(kMarksOfOthers.begin(), kMarksOfOthers.end(), has);
}

std::string ChatTemplateWarning(const StatusOr<ChatTemplateFile>& found) {
  if (found.status().code() == StatusCode::kNotFound) return {};
  if (!found.ok()) {
    return "whether the model has a chat template of its own cannot be told (" +
           Message(found.status()) + "); chats get " + CompiledIn();
  }
  if (MakesMixtralPrompts(found->text)) return {};
  return found->file + ": the model's chat template (SHA-256 " + Sha256Of(found->text) +
         ") is of another kind and is ignored; chats get " + CompiledIn() +
         ", for which the model may not be trained. Clients can render prompts themselves and send "
         "them to /v1/completions, as token ids where they have control tokens";
}

}  // namespace windrose
