// FlushDenormals: while it lives, this thread's arithmetic takes denormal numbers for zeros and
// gives zeros instead of them, as the instructions for pairs of bf16 always do.
//
// Private to common/kernels. What is computed meanwhile must be called, not inlined, so that the
// compiler moves none of it out: kernels are called through Highway's tables.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace windrose {

class FlushDenormals {
 public:
  FlushDenormals() : before_(Read()) { Write(before_ | kFlush); }
  ~FlushDenormals() { Write(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__x86_64__)
  using Control = uint32_t;
  static constexpr Control kFlush = 0x8040;  // FTZ and DAZ of MXCSR
  static Control Read() { return _mm_getcsr(); }
  static void Write(Control control) { _mm_setcsr(control); }
#elif defined(__aarch64__)
  using Control = uint64_t;
  static constexpr Control kFlush = 1 << 24;  // FZ of FPCR
  static Control Read() {
    Control control = 0;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control;
  }
  static void Write(Control control) { __asm__ volatile("msr fpcr, %0" : : "r"(control)); }
#else
  using Control = uint32_t;
  static constexpr Control kFlush = 0;
  static Control Read() { return 0; }
  static void Write(Control /*control*/) {}
#endif

  const Control before_;
};

}  // namespace windrose
