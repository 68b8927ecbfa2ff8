// Tokenizer: text to token ids with the model's own SentencePiece file, and the bytes behind each
// id.
//
// Made once in main and shared by the RPC threads (encoding) and the engine (detokenizing).
// Immutable after Create, so Thread-safe. Invariants: Encode never gives a control token (<s>,
// </s>) or <unk>, whatever the text says; every byte sequence has an encoding, by byte fallback.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/model/tokenizer_file.h"
#include "coordinator/text/bpe_encoder.h"

namespace windrose {

class Tokenizer {
 public:
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // The longest text Encode accepts.
  static constexpr size_t kMaxTextBytes = size_t{4} << 20;

  // From the bytes of a tokenizer.model; refuses whatever tokenizer_file.h does not describe.
  static StatusOr<std::unique_ptr<const Tokenizer>> Create(std::string_view bytes);

  // FAILED_PRECONDITION unless the model's embedding has one row for each piece.
  Status CheckVocabulary(size_t model_vocabulary_size) const {
    return windrose::CheckVocabulary(file_, model_vocabulary_size);
  }

  // The ids of `text`, with SentencePiece's own dummy prefix and without <s>. The empty text has no
  // ids. Invalid UTF-8 becomes U+FFFD; U+2581 cannot be told from a space. INVALID_ARGUMENT beyond
  // kMaxTextBytes.
  StatusOr<std::vector<TokenId>> Encode(std::string_view text) const;

  // The bytes `id` stands for: spaces for U+2581, the one byte of a byte piece, nothing for control
  // tokens, <unk> and ids outside the vocabulary. The leading space of a word belongs to it.
  std::string_view Bytes(TokenId id) const;

  // The name of a piece as the file spells it, "<0x0A>" and "\u2581word" included; empty when
  // outside.
  std::string_view Name(TokenId id) const;

  // Whether `id` is <s>, </s> or another control piece, or <unk>.
  bool IsControl(TokenId id) const;

  // Whether `id` is a byte piece, a part of a character perhaps.
  bool IsByte(TokenId id) const;

  // The control piece called exactly `name`; NOT_FOUND if there is none.
  StatusOr<TokenId> ControlPiece(std::string_view name) const;

  size_t vocabulary_size() const { return file_.pieces.size(); }
  TokenId bos() const { return file_.bos; }
  TokenId eos() const { return file_.eos; }

 private:
  explicit Tokenizer(TokenizerFile file);

  TokenizerFile file_;
  std::vector<std::string> bytes_;  // [vocabulary_size]
  BpeEncoder encoder_;              // refers to file_
};

}  // namespace windrose
