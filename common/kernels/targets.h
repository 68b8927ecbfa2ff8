// Which instruction sets Highway compiles the kernels for. Private to common/kernels; included
// before every Highway header. Left out are sets that are too old to serve a model; the portable
// fallback always stays. AVX-512 with byte products (VNNI) is another set only where bytes are
// multiplied: a source that does defines HWY_WANT_AVX3_DL before it includes this.
#pragma once

#define WINDROSE_OLD_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#ifdef HWY_WANT_AVX3_DL
#define HWY_DISABLED_TARGETS WINDROSE_OLD_TARGETS
#else
#define HWY_DISABLED_TARGETS (WINDROSE_OLD_TARGETS | HWY_AVX3_DL)
#endif
