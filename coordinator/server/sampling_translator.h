// SamplingParams of the contract to the engine's, every value checked. Pure; Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/random.h"
#include "common/base/status.h"
#include "coordinator/server/request_limits.h"
#include "coordinator/values/request.h"
#include "windrose/inference/v1/inference.pb.h"

namespace windrose {

// INVALID_ARGUMENT naming the field that is out of range or not a number. Draws a seed when there
// is none.
StatusOr<SamplingParams> TranslateSampling(const inference::v1::SamplingParams& proto,
                                           uint32_t vocabulary_size, const RequestLimits& limits,
                                           Entropy& entropy);

}  // namespace windrose
