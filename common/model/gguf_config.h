// The shape of a Mixtral, from the keys of a GGUF file. Thread-safe (pure function).
//
// GGUF has no architecture of that name: a Mixtral is a "llama" with llama.expert_count above 0.
#pragma once

#include "common/base/status.h"
#include "common/model/config.h"
#include "common/model/gguf_metadata.h"

namespace windrose {

// The config that `metadata` describes, within the limits of ParseMixtralConfig. `dtype` and
// `tied_embeddings` follow from tensors and keep their defaults here. INVALID_ARGUMENT for what is
// not a Mixtral: another architecture, no experts, scaled rotary embeddings, sliding windows, and
// any key "llama.…" that is not known to leave the arithmetic as it is.
StatusOr<MixtralConfig> ReadGgufConfig(const GgufMetadata& metadata);

}  // namespace windrose
