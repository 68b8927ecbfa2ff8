#include "tests/unit/coordinator/text/sentencepiece_reference.h"

#include <sentencepiece_processor.h>

namespace windrose {
namespace {

class LibraryEncoder final : public SentencePieceReference {
 public:
  bool Encode(std::string_view text, std::vector<int>* ids, std::string* error) const override {
    const auto status = processor.Encode(absl::string_view(text.data(), text.size()), ids);
    if (!status.ok()) *error = status.error_message();
    return status.ok();
  }

  sentencepiece::SentencePieceProcessor processor;
};

}  // namespace

std::unique_ptr<const SentencePieceReference> SentencePieceReference::Load(const std::string& bytes,
                                                                           std::string* error) {
  auto encoder = std::make_unique<LibraryEncoder>();
  const auto status =
      encoder->processor.LoadFromSerializedProto(absl::string_view(bytes.data(), bytes.size()));
  if (status.ok()) return encoder;
  *error = status.error_message();
  return nullptr;
}

}  // namespace windrose
