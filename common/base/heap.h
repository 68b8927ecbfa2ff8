// What the heap of a process does with large blocks. Linux with glibc; elsewhere nothing changes.
//
// By itself the heap learns from the largest block that was freed, and keeps blocks of up to 32 MB
// for the next one: once for each thread that ever had some. Threads that hand frames of megabytes
// to each other then hold many times what is in use.
#pragma once

#include <cstddef>

namespace windrose {

// Blocks of so many bytes and more go back to the system when they are freed.
constexpr size_t kLargeBlockBytes = size_t{1} << 20;

// What main does before other threads start, in a process whose memory is counted.
void ReturnLargeBlocks();

}  // namespace windrose
