// The model list as OpenAI's and Mistral's clients read it. Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "router/values/generation_values.h"

namespace windrose::router {

// One served model and the other names it answers to.
struct ServedModel {
  ModelInfo info;
  std::vector<std::string> aliases;
};

std::string ModelBody(const ServedModel& model, int64_t created);
std::string ModelListBody(std::span<const ServedModel> models, int64_t created);

}  // namespace windrose::router
