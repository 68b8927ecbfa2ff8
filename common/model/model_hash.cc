#include "common/model/model_hash.h"

#include <xxhash.h>

#include <array>

#include "common/base/hex.h"

namespace windrose {

std::string Hash128::Hex() const { return HexDigits(high, 16) + HexDigits(low, 16); }

std::optional<Hash128> ParseHash128(std::string_view hex) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr size_t kHalf = 16;
  if (hex.size() != 2 * kHalf) return std::nullopt;
  Hash128 hash;
  for (size_t i = 0; i < hex.size(); ++i) {
    const size_t digit = kDigits.find(hex[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    uint64_t& half = i < kHalf ? hash.high : hash.low;
    half = half << 4 | digit;
  }
  return hash;
}

struct ContentHasher::State {
  XXH3_state_t* xxh = XXH3_createState();
};

ContentHasher::ContentHasher() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(state_->xxh);
}

ContentHasher::~ContentHasher() { XXH3_freeState(state_->xxh); }

void ContentHasher::Add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size());
}

Hash128 ContentHasher::Finish() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_->xxh);
  return {hash.high64, hash.low64};
}

Hash128 HashOf(std::span<const std::byte> bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

Hash128 HashOf(std::string_view text) { return HashOf(std::as_bytes(std::span(text))); }

void ModelHasher::Add(std::span<const std::byte> field) {
  Add(field.size());
  hasher_.Add(field);
}

void ModelHasher::Add(std::string_view field) { Add(std::as_bytes(std::span(field))); }

void ModelHasher::Add(uint64_t field) {
  std::array<std::byte, sizeof(field)> little_endian{};
  for (size_t i = 0; i < little_endian.size(); ++i) {
    little_endian[i] = static_cast<std::byte>(field >> (8 * i));
  }
  hasher_.Add(little_endian);
}

}  // namespace windrose
