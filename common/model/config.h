// MixtralConfig: the shape of a model, from its config.json.
//
// Read in both spellings in the field: as published with Mixtral 8x7B (rope_theta at the top level,
// torch_dtype) and as Transformers 5 writes it (rope_parameters, dtype). Every value is checked
// against limits, so that products of them cannot overflow. A value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/tensor/dtype.h"

namespace windrose {

struct MixtralConfig {
  uint32_t vocabulary = 0;    // vocab_size
  uint32_t hidden = 0;        // hidden_size
  uint32_t layers = 0;        // num_hidden_layers
  uint32_t heads = 0;         // num_attention_heads
  uint32_t kv_heads = 0;      // num_key_value_heads
  uint32_t head_dim = 0;      // head_dim, or hidden / heads
  uint32_t experts = 0;       // num_local_experts
  uint32_t top_k = 0;         // num_experts_per_tok
  uint32_t expert_width = 0;  // intermediate_size
  uint32_t positions = 0;     // max_position_embeddings
  float norm_epsilon = 1e-5F;
  double rope_theta = 1e6;
  DType dtype = DType::kBf16;  // torch_dtype or dtype: what the weights should be in; files decide
  bool tied_embeddings = false;
  TokenId bos{1};
  std::vector<TokenId> eos{TokenId{2}};

  bool operator==(const MixtralConfig&) const = default;
};

// The config in `json`. INVALID_ARGUMENT names the key, what was wanted and what came. Refuses
// other architectures, sliding windows, scaled rotary embeddings, activations other than SiLU, and
// files that ask for code (auto_map).
StatusOr<MixtralConfig> ParseMixtralConfig(std::string_view json);

// A config.json that ParseMixtralConfig reads back as `config`, in the published spelling.
std::string ToConfigJson(const MixtralConfig& config);

}  // namespace windrose
