#include "common/tensor/dtype.h"

namespace windrose {

std::string_view NameOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "F32";
    case DType::kF16:
      return "F16";
    case DType::kBf16:
      return "BF16";
    case DType::kQ8:
      return "Q8";
    case DType::kQ4:
      return "Q4";
    case DType::kPackedBf16:
      return "PBF16";
  }
  return "?";
}

std::optional<DType> DTypeNamed(std::string_view name) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBf16}) {
    if (name == NameOf(dtype)) return dtype;
  }
  return std::nullopt;
}

}  // namespace windrose
