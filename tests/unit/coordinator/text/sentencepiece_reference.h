// SentencePieceReference: the original library, as the reference for BpeEncoder.
//
// Only here: the library's own protobuf cannot live in one process with gRPC's. Apart from the
// tests because its header declares an absl::string_view of its own. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace windrose {

class SentencePieceReference {
 public:
  // From the bytes of a model file; null with the reason in `error`.
  static std::unique_ptr<const SentencePieceReference> Load(const std::string& bytes,
                                                            std::string* error);
  virtual ~SentencePieceReference() = default;

  // False with the reason in `error`.
  virtual bool Encode(std::string_view text, std::vector<int>* ids, std::string* error) const = 0;
};

}  // namespace windrose
