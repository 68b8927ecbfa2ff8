#include "common/base/heap.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace windrose {

void ReturnLargeBlocks() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, kLargeBlockBytes);
  // Of what is free at the end of a thread's heap; small blocks go there, and come from there.
  mallopt(M_TRIM_THRESHOLD, 2 * kLargeBlockBytes);
#endif
}

}  // namespace windrose
