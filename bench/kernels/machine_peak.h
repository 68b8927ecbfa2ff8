// What this machine can do at best, measured: the ceilings that kernels are compared with. Owner:
// the bench's main thread.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "common/base/thread_pool.h"

namespace windrose {

// Operations per second of `run`, which returns how many it did, on all threads of `pool` at once;
// the best of some repeats. `sink` is where a run leaves its result, so that it is not optimised
// away; each thread has its own.
double MeasureRate(ThreadPool& pool, const std::function<double(float* sink)>& run);

// Bytes per second that all threads of `pool` together read `parts` with, which should be far more
// than the caches hold, one part after the other; the best of some repeats.
double MeasureReadBandwidth(std::span<const std::span<const std::byte>> parts, ThreadPool& pool);

// The same of fresh memory, which may be faster or slower than where a model lies.
double MeasureReadBandwidth(ThreadPool& pool);

// Floating-point operations per second of independent multiply-adds in registers, on all threads.
double MeasureMultiplyAddRate(ThreadPool& pool);

// The same of independent products of bf16 pairs; 0 when the set in use has none.
double MeasureBf16Rate(ThreadPool& pool);

}  // namespace windrose
