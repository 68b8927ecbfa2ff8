#include "bench/dispatch/allocation_counter.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

// The C library's own, under the names it keeps for those who replace the public ones.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): they are glibc's.
extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* block, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming): as above.

namespace {

std::atomic<uint64_t> allocation_count{0};
std::atomic<uint64_t> allocation_bytes{0};

void Count(size_t bytes) {
  allocation_count.fetch_add(1, std::memory_order_relaxed);
  allocation_bytes.fetch_add(bytes, std::memory_order_relaxed);
}

}  // namespace

extern "C" {

void* malloc(size_t bytes) noexcept {
  Count(bytes);
  return __libc_malloc(bytes);
}

void* calloc(size_t count, size_t bytes) noexcept {
  Count(count * bytes);
  return __libc_calloc(count, bytes);
}

void* realloc(void* block, size_t bytes) noexcept {
  Count(bytes);
  return __libc_realloc(block, bytes);
}

void* memalign(size_t alignment, size_t bytes) noexcept {
  Count(bytes);
  return __libc_memalign(alignment, bytes);
}

void* aligned_alloc(size_t alignment, size_t bytes) noexcept { return memalign(alignment, bytes); }

int posix_memalign(void** block, size_t alignment, size_t bytes) noexcept {
  *block = memalign(alignment, bytes);
  return *block == nullptr ? ENOMEM : 0;
}

}  // extern "C"

namespace windrose {

Allocations AllocationsSoFar() { return {allocation_count.load(), allocation_bytes.load()}; }

}  // namespace windrose
