// What this machine can do at best, measured: the ceilings that kernels are compared with. Owner:
// the bench's main thread.
#pragma once

#include "common/base/thread_pool.h"

namespace windrose {

// Bytes per second that all threads of `pool` together read from memory, far beyond the caches.
double MeasureReadBandwidth(ThreadPool& pool);

// Floating-point operations per second of independent multiply-adds in registers, on all threads.
double MeasureMultiplyAddRate(ThreadPool& pool);

// The same of independent products of bf16 pairs; 0 when the set in use has none.
double MeasureBf16Rate(ThreadPool& pool);

}  // namespace windrose
