// XXH3-128 of what a model consists of. Hashers are thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace windrose {

struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;
  std::string Hex() const;  // 32 digits, high first
  bool operator==(const Hash128&) const = default;
};

// The inverse of Hex; nullopt for anything but 32 lower-case hex digits.
std::optional<Hash128> ParseHash128(std::string_view hex);

// Over bytes as they come, however they are cut: what `xxhsum -H2` prints for a file of them.
class ContentHasher {
 public:
  ContentHasher();
  ~ContentHasher();
  ContentHasher(const ContentHasher&) = delete;
  ContentHasher& operator=(const ContentHasher&) = delete;

  void Add(std::span<const std::byte> bytes);
  Hash128 Finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Hash128 HashOf(std::span<const std::byte> bytes);
Hash128 HashOf(std::string_view text);

// Over a sequence of fields, each preceded by its length, so that no two sequences of fields look
// alike.
class ModelHasher {
 public:
  void Add(std::span<const std::byte> field);
  void Add(std::string_view field);
  void Add(uint64_t field);
  Hash128 Finish() const { return hasher_.Finish(); }

 private:
  ContentHasher hasher_;
};

}  // namespace windrose
