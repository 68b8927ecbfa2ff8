// Bf16Order: in which order products with packed bf16 are summed, and so, to which bits they are
// rounded.
//
// Processors have two kinds of instructions for bf16, which sum differently. Every machine computes
// either order, with its own instruction or without; so that an answer's bits do not depend on the
// machines that took part, a coordinator chooses one and says so with every call
// (common/kernels/bf16_matmul.h defines both). Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace windrose {

enum class Bf16Order : uint8_t {
  kPairs = 0,   // as vdpbf16ps of AVX-512 BF16
  kBlocks = 1,  // as tdpbf16ps of matrix units (AMX)
};

// "pairs", "blocks".
std::string_view NameOf(Bf16Order order);

// The inverse of NameOf; nullopt for every other name.
std::optional<Bf16Order> Bf16OrderNamed(std::string_view name);

}  // namespace windrose
