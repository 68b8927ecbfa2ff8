// Operations per second of the matrix unit of x86 (AMX), in registers, on all threads of `pool`.
// Only where UsedProducts() says that there is one. Owner: the bench's main thread.
#pragma once

#include "common/base/thread_pool.h"

namespace windrose {

double MeasureUnitByteRate(ThreadPool& pool);
double MeasureUnitBf16Rate(ThreadPool& pool);

}  // namespace windrose
