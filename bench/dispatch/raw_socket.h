// The floor that dispatch is compared with: a blocking TCP socket on loopback, echoing.
#pragma once

#include <cstddef>
#include <vector>

#include "common/base/time.h"

namespace windrose {

// Round-trip times of `count` messages of `bytes`, in order.
std::vector<Duration> MeasureRawSocket(size_t bytes, size_t count, const Clock& clock);

}  // namespace windrose
