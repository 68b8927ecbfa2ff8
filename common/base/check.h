// CHECK and DCHECK: our own invariants, never input, peers, disks or time-outs.
//
// CHECK stays on in release and aborts with the place and the condition. DCHECK is for hot loops
// and is compiled out with NDEBUG. Thread-safe.
#pragma once

namespace windrose {

// Prints "file:line: check failed: condition" to stderr and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace windrose

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::windrose::CheckFailed(__FILE__, __LINE__, #condition))
#ifdef NDEBUG
#define DCHECK(condition) static_cast<void>(sizeof(condition))
#else
#define DCHECK(condition) CHECK(condition)
#endif
