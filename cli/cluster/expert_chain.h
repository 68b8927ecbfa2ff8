// Which worker of a local cluster holds which experts.
//
// Copies of an expert sit on neighbouring workers, so that when one dies its load spreads over its
// two neighbours instead of falling on one twin. Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"

namespace windrose::cli {

// The experts of each worker, ascending: result[worker]. Every expert has `replication` copies on
// different workers, and worker loads differ by at most `replication` experts. INVALID_ARGUMENT
// when a count is 0, when there are more copies than workers, or more workers than copies of
// experts.
StatusOr<std::vector<std::vector<ExpertId>>> ChainExperts(uint32_t expert_count,
                                                          uint32_t worker_count,
                                                          uint32_t replication);

}  // namespace windrose::cli
