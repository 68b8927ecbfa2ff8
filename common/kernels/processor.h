// Whether this processor has what the kernels are compiled for without asking again. Private to
// common/kernels.
#pragma once

#include <cstdint>

#include "common/base/status.h"

namespace windrose {

// Names what is missing. Compiled for the oldest processor of its kind, so that it runs on each.
Status CheckProcessor();

// The same of a 64-bit Arm processor that Linux describes by `capabilities` (AT_HWCAP).
Status CheckArmProcessor(uint64_t capabilities);

}  // namespace windrose
