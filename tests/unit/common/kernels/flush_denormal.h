// A number as instructions for bf16 take and give it. Test code only.
#pragma once

#include <cmath>

namespace windrose {

inline float FlushDenormal(float value) {
  return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0F, value) : value;
}

}  // namespace windrose
