// Where threads run: the processors of a process, and one processor for one thread. Linux only.
// Thread-safe.
//
// Threads start with the placement of the thread that starts them, so a process places itself in
// main before it has others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "common/base/status.h"

namespace windrose {

// "0-3,8" as {0, 1, 2, 3, 8}: ascending, each processor once. Empty for an empty text.
StatusOr<std::vector<uint32_t>> ParseCpus(const std::string& text);

// The inverse, without ranges: "0,1,2,3,8".
std::string JoinCpus(std::span<const uint32_t> cpus);

// The processors that the calling thread may use, ascending.
std::vector<uint32_t> UsableCpus();

// Lets the calling thread, and those it starts from now on, run on these alone. INVALID_ARGUMENT
// when one of them is not there or not allowed.
Status RunOnCpus(std::span<const uint32_t> cpus);

// What main does with --cpus before other threads start: RunOnCpus of what is named, which is
// returned. Nothing named: nothing changes, and none are returned. Errors name the flag.
StatusOr<std::vector<uint32_t>> PlaceProcess(const std::string& cpus);

// --threads: as many as `wanted`; 0 means one for each usable processor, but no more than the quota
// that ReadCpuQuota finds below `root` grants: more would only be stopped together.
size_t ThreadCount(uint32_t wanted, const std::string& root = "");

// Keeps the calling thread on cpus[index % size]. No processors: it runs where it did.
void Pin(std::span<const uint32_t> cpus, size_t index);

// The processor that the calling thread runs on at the moment.
uint32_t CurrentCpu();

// Lets `thread`, which may sleep, run on all of `cpus` but `cpu`, if that leaves any.
void KeepOff(std::thread& thread, std::span<const uint32_t> cpus, uint32_t cpu);

}  // namespace windrose
