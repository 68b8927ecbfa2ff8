// Detokenizer: generated token ids to text, one at a time, for one sequence.
//
// Owned by the sequence; Engine thread only (or any one thread). Invariants: the concatenation of
// what Push and Flush return is the text of all ids; it is valid UTF-8 after each call; nothing
// returned changes later. Bytes of an unfinished character wait until it is whole or impossible.
#pragma once

#include <string>

#include "common/base/ids.h"
#include "common/base/utf8.h"
#include "coordinator/text/tokenizer.h"

namespace windrose {

class Detokenizer {
 public:
  // `drop_leading_space`: the first piece with text loses its one leading space, as SentencePiece
  // decodes a text of its own (chat). Otherwise the text goes on from a prompt and keeps it.
  // `tokenizer` must live longer.
  Detokenizer(const Tokenizer& tokenizer, bool drop_leading_space);

  // The text that became final with `id`; often empty for byte pieces, always for control tokens.
  std::string Push(TokenId id);

  // The end: an unfinished character becomes U+FFFD.
  std::string Flush();

 private:
  const Tokenizer* tokenizer_;
  bool drop_next_space_;
  Utf8Stream utf8_;
};

// The whole text of `ids` at once.
template <typename Ids>
std::string Detokenize(const Tokenizer& tokenizer, const Ids& ids, bool drop_leading_space) {
  Detokenizer detokenizer(tokenizer, drop_leading_space);
  std::string text;
  for (const TokenId id : ids) text += detokenizer.Push(id);
  return text += detokenizer.Flush();
}

}  // namespace windrose
