// How much of mapped files the processor reaches through large pages (2 MiB on x86).
//
// Weights in them are read about a third faster: one entry of the page tables for 512 small
// pages, and memory in one piece, where the processor sees what comes next. Whether a file gets
// them is the kernel's choice (docs/adr/0014-large-pages.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <span>
#include <vector>

namespace windrose {

// Of files that are mapped whole, `mappings`, by the system's account of this process; 0 where it
// gives none. It walks the page tables: milliseconds for a gigabyte in small pages.
uint64_t BytesInLargePages(const std::vector<std::span<const std::byte>>& mappings);

// The same by an account of the form of /proc/PID/smaps (proc(5)); `begins`: the mappings' first
// addresses.
uint64_t BytesInLargePages(std::istream& smaps, const std::vector<uintptr_t>& begins);

}  // namespace windrose
