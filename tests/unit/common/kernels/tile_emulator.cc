#include "tests/unit/common/kernels/tile_emulator.h"

#if defined(__x86_64__) && defined(__linux__)

#include <ucontext.h>

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "common/tensor/convert.h"
#include "tests/unit/common/kernels/flush_denormal.h"

namespace windrose {
namespace {

constexpr size_t kTiles = 8;
constexpr size_t kMostRows = 16;
constexpr size_t kMostRowBytes = 64;

struct Tile {
  size_t rows = 0;
  size_t row_bytes = 0;
  uint8_t bytes[kMostRows][kMostRowBytes] = {};
};

// The tile registers of a thread.
thread_local Tile tiles[kTiles];
std::atomic<uint64_t> done{0};

// Operands of one instruction: VEX prefix of three bytes, opcode, ModRM.
struct Instruction {
  unsigned prefix;  // 0: none, 1: 66, 2: F3, 3: F2
  unsigned opcode;
  unsigned mode;  // of ModRM; 3: registers
  unsigned reg;
  unsigned rm;
  unsigned vvvv;
  uint8_t* address;  // where memory is meant: base and displacement
  size_t stride;     // index times scale
  size_t length;
};

// General registers by their number in an encoding.
uint64_t ValueOf(const ucontext_t& context, unsigned number) {
  constexpr int kPlaces[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                               REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                               REG_R12, REG_R13, REG_R14, REG_R15};
  return static_cast<uint64_t>(context.uc_mcontext.gregs[kPlaces[number]]);
}

// Reads base, index and displacement behind ModRM. False: a form that is not known here.
bool DecodeMemory(const ucontext_t& context, const uint8_t* code, unsigned index_bit,
                  unsigned base_bit, Instruction& in) {
  size_t at = 5;
  unsigned base = in.rm;
  if (in.rm == 4) {  // a SIB byte follows
    const unsigned sib = code[at++];
    const unsigned index = (sib >> 3 & 7) | index_bit;
    base = sib & 7;
    if (index != 4) in.stride = ValueOf(context, index) << (sib >> 6);
  }
  if (in.mode == 0 && base == 5) return false;  // relative or absolute
  int32_t displacement = 0;
  // NOLINTNEXTLINE(bugprone-signed-char-misuse): a signed byte.
  if (in.mode == 1) displacement = static_cast<int8_t>(code[at++]);
  if (in.mode == 2) {
    std::memcpy(&displacement, code + at, sizeof(displacement));
    at += sizeof(displacement);
  }
  const uint64_t address =
      ValueOf(context, base | base_bit) + static_cast<uint64_t>(int64_t{displacement});
  in.address = reinterpret_cast<uint8_t*>(address);
  in.length = at;
  return true;
}

bool Decode(const ucontext_t& context, Instruction& in) {
  const auto* code = reinterpret_cast<const uint8_t*>(context.uc_mcontext.gregs[REG_RIP]);
  const bool in_map = code[0] == 0xC4 && (code[1] & 0x1F) == 2 && (code[2] & 0x84) == 0;
  if (!in_map) return false;
  const unsigned vex = code[2];
  const unsigned modrm = code[4];
  in = {vex & 3, code[3], modrm >> 6, modrm >> 3 & 7, modrm & 7, ~(vex >> 3) & 15, nullptr, 0, 5};
  if (in.mode == 3) return true;
  const unsigned index_bit = (code[1] & 0x40) != 0 ? 0 : 8;
  const unsigned base_bit = (code[1] & 0x20) != 0 ? 0 : 8;
  return DecodeMemory(context, code, index_bit, base_bit, in);
}

// LDTILECFG.
void Configure(const uint8_t* shapes) {
  for (size_t t = 0; t < kTiles; ++t) {
    tiles[t] = {};
    uint16_t row_bytes = 0;
    std::memcpy(&row_bytes, shapes + 16 + 2 * t, sizeof(row_bytes));
    tiles[t].row_bytes = row_bytes;
    tiles[t].rows = shapes[48 + t];
  }
}

void Load(Tile& tile, const uint8_t* from, size_t stride) {
  std::memset(tile.bytes, 0, sizeof(tile.bytes));
  for (size_t r = 0; r < tile.rows; ++r) {
    std::memcpy(tile.bytes[r], from + r * stride, tile.row_bytes);
  }
}

void Store(const Tile& tile, uint8_t* to, size_t stride) {
  for (size_t r = 0; r < tile.rows; ++r) {
    std::memcpy(to + r * stride, tile.bytes[r], tile.row_bytes);
  }
}

// False where the shapes do not go together, which the processor refuses.
bool Fit(const Tile& to, const Tile& a, const Tile& b) {
  return to.rows == a.rows && to.row_bytes == b.row_bytes && a.row_bytes == 4 * b.rows;
}

// TDPBSSD: to[m][n] += sum over k and i of a[m][4 k + i] * b[k][4 n + i], of signed bytes.
void AddByteProducts(Tile& to, const Tile& a, const Tile& b) {
  for (size_t m = 0; m < to.rows; ++m) {
    for (size_t n = 0; n < to.row_bytes / 4; ++n) {
      int32_t sum = 0;
      std::memcpy(&sum, to.bytes[m] + 4 * n, sizeof(sum));
      for (size_t k = 0; k < a.row_bytes; ++k) {
        sum += int32_t{static_cast<int8_t>(a.bytes[m][k])} *
               int32_t{static_cast<int8_t>(b.bytes[k / 4][4 * n + k % 4])};
      }
      std::memcpy(to.bytes[m] + 4 * n, &sum, sizeof(sum));
    }
  }
}

float Bf16At(const uint8_t* bytes) {
  uint16_t bits = 0;
  std::memcpy(&bits, bytes, sizeof(bits));
  return FlushDenormal(F32FromBf16(bits));
}

// TDPBF16PS: to[m][n] += sum over k of a[m][2 k] * b[k][2 n], and of the odd ones likewise; the two
// are summed apart and then added.
void AddBf16Products(Tile& to, const Tile& a, const Tile& b) {
  for (size_t m = 0; m < to.rows; ++m) {
    for (size_t n = 0; n < to.row_bytes / 4; ++n) {
      float sums[2] = {};
      for (size_t k = 0; k < a.row_bytes / 2; ++k) {
        float& sum = sums[k % 2];
        sum = FlushDenormal(std::fma(Bf16At(a.bytes[m] + 2 * k),
                                     Bf16At(b.bytes[k / 2] + 4 * n + 2 * (k % 2)), sum));
      }
      float sum = 0;
      std::memcpy(&sum, to.bytes[m] + 4 * n, sizeof(sum));
      sum = FlushDenormal(FlushDenormal(sum) + FlushDenormal(sums[0] + sums[1]));
      std::memcpy(to.bytes[m] + 4 * n, &sum, sizeof(sum));
    }
  }
}

bool Run(const Instruction& in) {
  const bool registers = in.mode == 3;
  if (in.opcode == 0x49 && in.prefix == 0 && !registers) return Configure(in.address), true;
  if (in.opcode == 0x49 && in.prefix == 0) {  // TILERELEASE
    for (Tile& tile : tiles) tile = {};
    return true;
  }
  if (in.opcode == 0x4B && !registers) {
    if (in.prefix == 3) return Load(tiles[in.reg], in.address, in.stride), true;
    if (in.prefix == 2) return Store(tiles[in.reg], in.address, in.stride), true;
  }
  if (!registers || in.vvvv >= kTiles) return false;
  Tile& to = tiles[in.reg];
  const Tile& a = tiles[in.rm];
  const Tile& b = tiles[in.vvvv];
  if (!Fit(to, a, b)) return false;
  if (in.opcode == 0x5E && in.prefix == 3) return AddByteProducts(to, a, b), true;
  if (in.opcode == 0x5C && in.prefix == 2) return AddBf16Products(to, a, b), true;
  return false;
}

void OnUnknownInstruction(int signal, siginfo_t* /*info*/, void* state) {
  auto& context = *static_cast<ucontext_t*>(state);
  Instruction in = {};
  if (!Decode(context, in) || !Run(in)) {
    std::signal(signal, SIG_DFL);  // the instruction comes again, and ends the process
    return;
  }
  context.uc_mcontext.gregs[REG_RIP] += static_cast<greg_t>(in.length);
  ++done;
}

}  // namespace

TileEmulator::TileEmulator() {
  struct sigaction action = {};
  action.sa_sigaction = OnUnknownInstruction;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGILL, &action, &before_);
}

TileEmulator::~TileEmulator() { sigaction(SIGILL, &before_, nullptr); }

uint64_t TileEmulator::instruction_count() { return done.load(); }

}  // namespace windrose

#endif
