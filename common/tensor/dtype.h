// DType: the number formats a weight may have. Values.
//
// Plain formats store each number by itself; packed ones store blocks of a whole matrix in the
// order in which the kernels want them (common/tensor/packed_layout.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace windrose {

enum class DType : uint8_t { kF32, kF16, kBf16, kQ8, kQ4, kPackedBf16 };

// Packed in whole numbers with scales; what is quantised once must not be quantised again.
constexpr bool IsQuantized(DType dtype) { return dtype == DType::kQ8 || dtype == DType::kQ4; }

constexpr bool IsPacked(DType dtype) { return IsQuantized(dtype) || dtype == DType::kPackedBf16; }

// Bytes of one number of a plain format.
constexpr size_t SizeOf(DType dtype) { return dtype == DType::kF32 ? 4 : 2; }

// "F32", "F16", "BF16", as in safetensors files; "Q8", "Q4", "PBF16".
std::string_view NameOf(DType dtype);

// The inverse of NameOf for plain formats; nullopt for every other name.
std::optional<DType> DTypeNamed(std::string_view name);

}  // namespace windrose
