// Counter-based random numbers: Philox4x32-10 of Salmon et al., "Parallel Random Numbers: As Easy
// as 1, 2, 3" (SC 2011). A pure function of (key, counter), so a draw does not depend on which
// draws were made before it. Also the Entropy interface for what must be unpredictable.
// Thread-safe.
#pragma once

#include <array>
#include <cstdint>

namespace windrose {

// The Philox4x32-10 block for `key` and `counter`.
std::array<uint32_t, 4> Philox(uint64_t key, const std::array<uint32_t, 4>& counter);

// Uniform in [0, 1) with 53 bits, from the block at (seed, position, stream).
double UniformAt(uint64_t seed, uint64_t position, uint32_t stream = 0);

// Uniform 64 bits from the block at (seed, position, stream).
uint64_t BitsAt(uint64_t seed, uint64_t position, uint32_t stream = 0);

// Unpredictable numbers: request ids, default seeds. The simulation gives a seeded one.
class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual uint64_t Next() = 0;
};

// From the operating system.
class SystemEntropy final : public Entropy {
 public:
  uint64_t Next() override;
};

}  // namespace windrose
