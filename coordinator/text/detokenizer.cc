#include "coordinator/text/detokenizer.h"

#include <string_view>

namespace windrose {

Detokenizer::Detokenizer(const Tokenizer& tokenizer, bool drop_leading_space)
    : tokenizer_(&tokenizer), drop_next_space_(drop_leading_space) {}

std::string Detokenizer::Push(TokenId id) {
  std::string_view bytes = tokenizer_->Bytes(id);
  std::string text;
  if (bytes.empty()) return text;
  // A byte piece <0x20> is a space the model meant, not SentencePiece's word mark.
  if (drop_next_space_ && bytes.front() == ' ' && !tokenizer_->IsByte(id)) bytes.remove_prefix(1);
  drop_next_space_ = false;
  utf8_.Push(bytes, &text);
  return text;
}

std::string Detokenizer::Flush() {
  std::string text;
  utf8_.Flush(&text);
  return text;
}

}  // namespace windrose
