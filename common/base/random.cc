#include "common/base/random.h"

#include <random>

namespace windrose {
namespace {

constexpr uint32_t kMultiplierA = 0xD2511F53;
constexpr uint32_t kMultiplierB = 0xCD9E8D57;
constexpr uint32_t kWeylA = 0x9E3779B9;
constexpr uint32_t kWeylB = 0xBB67AE85;

uint32_t High(uint64_t product) { return static_cast<uint32_t>(product >> 32); }
uint32_t Low(uint64_t product) { return static_cast<uint32_t>(product); }

}  // namespace

std::array<uint32_t, 4> Philox(uint64_t key, const std::array<uint32_t, 4>& counter) {
  std::array<uint32_t, 4> block = counter;
  uint32_t key_a = Low(key);
  uint32_t key_b = High(key);
  for (int round = 0; round < 10; ++round) {
    const uint64_t product_a = uint64_t{kMultiplierA} * block[0];
    const uint64_t product_b = uint64_t{kMultiplierB} * block[2];
    block = {High(product_b) ^ block[1] ^ key_a, Low(product_b), High(product_a) ^ block[3] ^ key_b,
             Low(product_a)};
    key_a += kWeylA;
    key_b += kWeylB;
  }
  return block;
}

uint64_t BitsAt(uint64_t seed, uint64_t position, uint32_t stream) {
  const auto block = Philox(seed, {Low(position), High(position), stream, 0});
  return uint64_t{block[1]} << 32 | block[0];
}

double UniformAt(uint64_t seed, uint64_t position, uint32_t stream) {
  return static_cast<double>(BitsAt(seed, position, stream) >> 11) * 0x1.0p-53;
}

uint64_t SystemEntropy::Next() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

}  // namespace windrose
