// How fast this machine multiplies bytes at best, the ceiling of packed products. Owner: the
// bench's main thread.
#pragma once

#include "common/base/thread_pool.h"

namespace windrose {

// Operations per second, two for each product of bytes, with the instruction that packed weights
// are multiplied with and everything in registers, on all threads; 0 where it is not known.
double MeasureByteProductRate(ThreadPool& pool);

}  // namespace windrose
