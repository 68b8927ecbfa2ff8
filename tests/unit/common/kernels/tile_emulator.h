// Runs AMX instructions on processors that lack them, so that the code for the matrix unit is
// tested everywhere: it catches the signal of an unknown instruction, does what the instruction is
// specified to do in plain code, and goes on behind it. Only the instructions of
// matrix_unit-inl.h; any other ends the process as before. x86-64 Linux. Test code only.
//
// Encodings and operations as in volume 2 of the Intel 64 Software Developer's Manual.
#pragma once

#if defined(__x86_64__) && defined(__linux__)

#include <csignal>
#include <cstdint>

namespace windrose {

// As long as it lives. One at a time.
class TileEmulator {
 public:
  TileEmulator();
  ~TileEmulator();
  TileEmulator(const TileEmulator&) = delete;
  TileEmulator& operator=(const TileEmulator&) = delete;

  // Instructions done, by all threads.
  static uint64_t instruction_count();

 private:
  struct sigaction before_ = {};
};

}  // namespace windrose

#endif
