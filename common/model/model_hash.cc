#include "common/model/model_hash.h"

#include <xxhash.h>

#include <array>

namespace windrose {

struct ModelHasher::State {
  XXH3_state_t* xxh = XXH3_createState();
};

ModelHasher::ModelHasher() : state_(std::make_unique<State>()) { XXH3_128bits_reset(state_->xxh); }

ModelHasher::~ModelHasher() { XXH3_freeState(state_->xxh); }

void ModelHasher::Add(std::span<const std::byte> field) {
  Add(field.size());
  XXH3_128bits_update(state_->xxh, field.data(), field.size());
}

void ModelHasher::Add(std::string_view field) { Add(std::as_bytes(std::span(field))); }

void ModelHasher::Add(uint64_t field) {
  std::array<unsigned char, sizeof(field)> little_endian{};
  for (size_t i = 0; i < little_endian.size(); ++i) {
    little_endian[i] = static_cast<unsigned char>(field >> (8 * i));
  }
  XXH3_128bits_update(state_->xxh, little_endian.data(), little_endian.size());
}

Hash128 ModelHasher::Finish() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_->xxh);
  return {hash.high64, hash.low64};
}

std::string Hash128::Hex() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const uint64_t half : {high, low}) {
    for (int shift = 60; shift >= 0; shift -= 4) hex += kDigits[half >> shift & 15];
  }
  return hex;
}

}  // namespace windrose
