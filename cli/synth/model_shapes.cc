#include "cli/synth/model_shapes.h"

namespace windrose::cli {
namespace {

MixtralConfig Mixtral8x7b() {
  MixtralConfig config;
  config.vocabulary = 32000;
  config.hidden = 4096;
  config.layers = 32;
  config.heads = 32;
  config.kv_heads = 8;
  config.head_dim = 128;
  config.experts = 8;
  config.top_k = 2;
  config.expert_width = 14336;
  config.positions = 32768;
  return config;
}

// The shape of models/demo.
MixtralConfig Demo() {
  MixtralConfig config = Mixtral8x7b();
  config.vocabulary = 1536;
  config.hidden = 256;
  config.layers = 4;
  config.heads = 8;
  config.kv_heads = 2;
  config.head_dim = 32;
  config.expert_width = 256;
  config.positions = 1024;
  config.rope_theta = 1e4;
  return config;
}

// The smallest that still has everything.
MixtralConfig Tiny() {
  MixtralConfig config = Demo();
  config.hidden = 64;
  config.layers = 2;
  config.heads = 4;
  config.head_dim = 16;
  config.expert_width = 64;
  return config;
}

}  // namespace

std::vector<std::string> ShapeNames() { return {"mixtral-8x7b", "demo", "tiny"}; }

StatusOr<MixtralConfig> ShapeNamed(const std::string& name) {
  if (name == "mixtral-8x7b") return Mixtral8x7b();
  if (name == "demo") return Demo();
  if (name == "tiny") return Tiny();
  return InvalidArgument("wanted mixtral-8x7b, demo or tiny, got " + name);
}

}  // namespace windrose::cli
