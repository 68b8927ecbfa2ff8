// DType: the number formats a weight may have, and their names in safetensors files. Values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace windrose {

enum class DType : uint8_t { kF32, kF16, kBf16 };

// Bytes of one number.
constexpr size_t SizeOf(DType dtype) { return dtype == DType::kF32 ? 4 : 2; }

// "F32", "F16", "BF16".
std::string_view NameOf(DType dtype);

// The inverse of NameOf; nullopt for every other name.
std::optional<DType> DTypeNamed(std::string_view name);

}  // namespace windrose
