// How much processor time the control groups of this process grant it, as a container's limit says:
// the system stops all threads of a group that has used its quota up until the next period begins.
// Linux only. What cannot be read or is not understood is no quota, never an error. Thread-safe.
//
// Quotas are in whole processors, rounded up. Where 1.5 are granted, two threads that never rest
// are stopped for a quarter of the time and get all of it; one would never be stopped, and leave a
// third to nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windrose {

// "QUOTA PERIOD", both in microseconds. None for "max PERIOD", for -1, which is
// version 1's word for it, and for all that is not two positive numbers.
std::optional<uint64_t> ParseCpuQuota(std::string_view text);

// Where quotas of this process may stand, given /proc/self/cgroup: its groups and all groups above
// them, since each limits what is in it. A container may see its own group as the root of the
// mount, while the path is that of the machine; so not all of them need be there.
std::vector<std::string> CpuQuotaDirectories(std::string_view self_cgroup);

// The smallest of them, in the file system below `root`.
std::optional<uint64_t> ReadCpuQuota(const std::string& root = "");

}  // namespace windrose
