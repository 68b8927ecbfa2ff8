// Mixtral's own 32,000-piece tokenizer, loaded once for all tests of this program. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/model/mapped_file.h"
#include "coordinator/text/tokenizer.h"

namespace windrose {

inline std::string TextDataPath(const std::string& name) {
  return std::string(WINDROSE_SOURCE_DIR) + "/tests/unit/coordinator/text/data/" + name;
}

inline const Tokenizer& Mixtral() {
  static const auto tokenizer = Tokenizer::Create(
      ReadModelText(TextDataPath(""), "mixtral_tokenizer.model", kMaxTokenizerFileBytes).value());
  CHECK(tokenizer.ok());
  return **tokenizer;
}

inline std::vector<uint32_t> Values(const std::vector<TokenId>& ids) {
  std::vector<uint32_t> values;
  for (const TokenId id : ids) values.push_back(id.value());
  return values;
}

}  // namespace windrose
