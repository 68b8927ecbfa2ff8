// GgufMetadata: the keys of a GGUF file's header, read as what the caller wants them to be.
//
// Borrows the header's values and the bytes they are in, normally a mapping; views it gives are
// into those bytes. NOT_FOUND when a key is absent; INVALID_ARGUMENT names the key, what was wanted
// and what came. Immutable: thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/model/gguf.h"

namespace windrose {

class GgufMetadata {
 public:
  // `file` is what `values` were parsed from.
  GgufMetadata(const GgufValues& values, std::span<const std::byte> file)
      : values_(values), file_(file) {}

  const GgufValues& values() const { return values_; }
  bool Has(std::string_view key) const { return values_.contains(key); }

  // A whole number of any width, from 0 to 2^32 - 1.
  StatusOr<uint32_t> Count(std::string_view key) const;
  // An f32 or f64, finite.
  StatusOr<double> Number(std::string_view key) const;
  StatusOr<bool> Flag(std::string_view key) const;
  StatusOr<std::string_view> Text(std::string_view key) const;

  // Arrays, of at most `max_count` elements.
  StatusOr<std::vector<std::string_view>> Texts(std::string_view key, uint64_t max_count) const;
  StatusOr<std::vector<float>> Floats(std::string_view key, uint64_t max_count) const;  // f32
  StatusOr<std::vector<uint32_t>> Counts(std::string_view key, uint64_t max_count) const;

  // How many elements the array has.
  StatusOr<uint64_t> ElementsOf(std::string_view key) const;

 private:
  StatusOr<GgufValue> Find(std::string_view key, bool is_array) const;
  StatusOr<GgufValue> FindArray(std::string_view key, uint64_t max_count) const;
  std::span<const std::byte> BytesOf(const GgufValue& value) const {
    return file_.subspan(value.begin, value.end - value.begin);
  }

  const GgufValues& values_;
  std::span<const std::byte> file_;
};

}  // namespace windrose
