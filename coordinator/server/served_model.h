// ServedModel: the one model this coordinator serves, as clients see it. A value.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace windrose {

struct ServedModel {
  std::string id;
  std::vector<std::string> aliases;
  uint32_t context_length = 0;  // prompt and answer together
  uint32_t vocabulary_size = 0;
  std::string model_hash;
  std::string system_fingerprint;  // same fingerprint and seed: same tokens

  // Whether a request for `name` is for this model; the empty name always is.
  bool Answers(std::string_view name) const {
    return name.empty() || name == id ||
           std::find(aliases.begin(), aliases.end(), name) != aliases.end();
  }
};

}  // namespace windrose
