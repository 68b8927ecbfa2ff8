// Which instruction set the kernels run with.
//
// Chosen once per process from what the processor has. All give the same bits but the portable
// fallback, which has no fused multiply-add. Thread-safe, but for UseInstructionSet.
#pragma once

#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/tensor/bf16_order.h"

namespace windrose {

// The name of the set in use, for example "AVX2", "AVX3" (AVX-512), "AVX3_DL" (with byte products),
// "AVX3_BF16" (with products of bf16, too) or "AVX3_AMX" (with a matrix unit on top).
std::string InstructionSet();

// All sets compiled in that this processor has, best first.
std::vector<std::string> SupportedInstructionSets();

// Makes the kernels use `name`, one of the above; "best" is the first. Kernels that are not
// compiled for this very set use the next one. INVALID_ARGUMENT for any other name,
// FAILED_PRECONDITION on a processor that no kernel may run on. Not while a kernel runs: at
// start-up, before the first, or in tests.
Status UseInstructionSet(const std::string& name);

// Whether the set in use has products of bf16: one instruction more than AVX3_DL, as which all
// other kernels run.
bool UsesBf16Products();

// What multiplies packed weights: both give the same bits.
enum class Products { kVectors, kMatrixUnit };
Products UsedProducts();

// The order of products with packed bf16 that the set in use is fastest in.
Bf16Order FastestBf16Order();

// Numbers in one vector register of the set in use. For benches.
size_t FloatLanes();

}  // namespace windrose
