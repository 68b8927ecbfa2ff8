// XXH3-128 over a sequence of fields, each preceded by its length, so that no two sequences of
// fields look alike. Private to common/model. Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace windrose {

struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;
  std::string Hex() const;  // 32 digits, high first
};

class ModelHasher {
 public:
  ModelHasher();
  ~ModelHasher();
  ModelHasher(const ModelHasher&) = delete;
  ModelHasher& operator=(const ModelHasher&) = delete;

  void Add(std::span<const std::byte> field);
  void Add(std::string_view field);
  void Add(uint64_t field);
  Hash128 Finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace windrose
