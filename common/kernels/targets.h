// Which instruction sets Highway compiles the kernels for. Private to common/kernels; included
// before every Highway header. Left out are sets whose processors have a better one of ours
// (AVX-512 with extensions), or are too old to serve a model; the portable fallback always stays.
#pragma once

#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
