// The tokenizer in a GGUF file, as the SentencePiece model file it was made from.
//
//   tokenizer.ggml.model "llama", .tokens [string]  .scores [f32]  .token_type [i32], and ids
//
// become a sentencepiece.ModelProto (protobuf):
//
//   file  = piece{pieces}  2: trainer  3: normalizer
//   piece = 1: { 1: text  2: score, float  3: kind }       the kinds are token_type's numbers, but
//                                                          unknown_token_id's is never control
//   trainer    = { 3: 2, for BPE  4: pieces  35: byte fallback  40, 41, 42: unk, bos, eos }
//   normalizer = { 1: "identity"  3: dummy prefix  4: trim spaces  5: escape spaces }
//
// Thread-safe (pure function).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/base/status.h"
#include "common/model/gguf_metadata.h"

namespace windrose {

constexpr uint64_t kMaxGgufTokens = 1 << 20;  // as many as a config may have

// The bytes of tokenizer.model. NOT_FOUND when `metadata` has no tokenizer; INVALID_ARGUMENT names
// the key at fault. What the pieces must be like is for the reader of tokenizer.model to say.
StatusOr<std::string> GgufTokenizerModel(const GgufMetadata& metadata);

// What that tokenizer does otherwise than `metadata` says, or nothing.
std::string GgufTokenizerWarning(const GgufMetadata& metadata);

}  // namespace windrose
