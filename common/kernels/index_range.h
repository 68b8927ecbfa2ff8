// IndexRange: [begin, end) of outputs or inputs. A value; private to common/kernels.
#pragma once

#include <cstddef>

namespace windrose {

struct IndexRange {
  size_t begin = 0;
  size_t end = 0;
  size_t size() const { return end - begin; }
};

}  // namespace windrose
