// How many descriptors, open files and connections together, this process may have. Thread-safe.
#pragma once

#include <cstdint>

namespace windrose {

// UINT64_MAX when there is no limit.
uint64_t DescriptorLimit();

// As many as the system lets this process have: shells and service managers begin with 1,024, which
// is for programs that watch descriptors in a way that knows no more.
void RaiseDescriptorLimit();

}  // namespace windrose
