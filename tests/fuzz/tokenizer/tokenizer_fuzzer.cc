// Any bytes as a tokenizer.model: an error, or a tokenizer that encodes any text, never to a
// control piece, and gives the text back.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "common/base/utf8.h"
#include "coordinator/text/tokenizer.h"

namespace {

using windrose::TokenId;
using windrose::Tokenizer;

void CheckEncoding(const Tokenizer& tokenizer, std::string_view text) {
  const auto ids = tokenizer.Encode(text);
  CHECK(ids.ok());
  CHECK(ids->empty() == text.empty());
  std::string bytes;
  for (const TokenId id : *ids) {
    CHECK(id.value() < tokenizer.vocabulary_size());
    CHECK(!tokenizer.IsControl(id));
    bytes += tokenizer.Bytes(id);
  }
  // With the dummy prefix in front; what is not UTF-8 is replaced, and a mark becomes a space.
  const bool kept =
      windrose::IsValidUtf8(text) && text.find("\xE2\x96\x81") == std::string_view::npos;
  CHECK(!kept || text.empty() || (bytes.front() == ' ' && bytes.substr(1) == text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto tokenizer = Tokenizer::Create(bytes);
  if (!tokenizer.ok()) return 0;
  for (const std::string_view text :
       {std::string_view(), std::string_view("a </s> \xFF <0x0A>\n")}) {
    CheckEncoding(**tokenizer, text);
  }
  CheckEncoding(**tokenizer, bytes);  // all of its pieces, and what is between them
  return 0;
}
