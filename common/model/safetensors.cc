#include "common/model/safetensors.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "common/model/strict_json.h"

namespace windrose {
namespace {

namespace json = boost::json;

constexpr size_t kLengthBytes = 8;
constexpr size_t kShortestHeader = 2;  // "{}"

struct NumberFormat {
  std::string_view name;
  uint64_t bytes;
};
constexpr std::array kFormats = {
    NumberFormat{"BOOL", 1},    NumberFormat{"U8", 1},      NumberFormat{"I8", 1},
    NumberFormat{"F8_E4M3", 1}, NumberFormat{"F8_E5M2", 1}, NumberFormat{"U16", 2},
    NumberFormat{"I16", 2},     NumberFormat{"F16", 2},     NumberFormat{"BF16", 2},
    NumberFormat{"U32", 4},     NumberFormat{"I32", 4},     NumberFormat{"F32", 4},
    NumberFormat{"U64", 8},     NumberFormat{"I64", 8},     NumberFormat{"F64", 8}};

uint64_t LittleEndian64(std::span<const std::byte, kLengthBytes> bytes) {
  uint64_t value = 0;
  for (size_t i = kLengthBytes; i-- > 0;) value = value << 8 | std::to_integer<uint64_t>(bytes[i]);
  return value;
}

StatusOr<std::string_view> HeaderText(std::span<const std::byte> prefix, uint64_t file_bytes) {
  if (file_bytes < kLengthBytes || prefix.size() < kLengthBytes) {
    return InvalidArgument("header length: wanted 8 bytes, the file has " +
                           std::to_string(file_bytes));
  }
  const uint64_t length = LittleEndian64(prefix.first<kLengthBytes>());
  if (length < kShortestHeader || length > kMaxSafetensorsHeaderBytes) {
    return InvalidArgument("header length: wanted 2 to 100000000 bytes, the file says " +
                           std::to_string(length));
  }
  if (length > file_bytes - kLengthBytes || length > prefix.size() - kLengthBytes) {
    return InvalidArgument("header length: the file says " + std::to_string(length) +
                           " bytes but ends before");
  }
  const auto* text = reinterpret_cast<const char*>(prefix.data() + kLengthBytes);
  if (*text != '{') return InvalidArgument("header: wanted '{' as its first byte");
  return std::string_view(text, length);
}

StatusOr<uint64_t> Count(const json::value& value, const char* what) {
  if (value.is_uint64()) return value.get_uint64();
  if (value.is_int64() && value.get_int64() >= 0) return static_cast<uint64_t>(value.get_int64());
  return InvalidArgument(std::string(what) + ": wanted whole numbers from 0");
}

StatusOr<std::vector<uint64_t>> Counts(const json::value* value, const char* what,
                                       size_t max_count) {
  if (value == nullptr || !value->is_array()) {
    return InvalidArgument(std::string(what) + ": wanted an array");
  }
  const json::array& array = value->get_array();
  if (array.size() > max_count) {
    return InvalidArgument(std::string(what) + ": wanted at most " + std::to_string(max_count) +
                           " numbers, got " + std::to_string(array.size()));
  }
  std::vector<uint64_t> counts;
  for (const json::value& element : array) {
    ASSIGN_OR_RETURN(const uint64_t count, Count(element, what));
    counts.push_back(count);
  }
  return counts;
}

StatusOr<uint64_t> BytesOf(const TensorEntry& tensor) {
  const auto* format = std::find_if(kFormats.begin(), kFormats.end(),
                                    [&](const auto& known) { return known.name == tensor.dtype; });
  if (format == kFormats.end())
    return InvalidArgument("dtype " + Quoted(tensor.dtype) + " unknown");
  uint64_t bytes = format->bytes;
  for (const uint64_t dimension : tensor.shape) {
    if (__builtin_mul_overflow(bytes, dimension, &bytes)) {
      return InvalidArgument("shape: overflow, the tensor would have 2^64 bytes or more");
    }
  }
  return bytes;
}

// Offsets still count from the start of data.
StatusOr<TensorEntry> ParseTensor(const json::value& value) {
  if (!value.is_object()) return InvalidArgument("wanted an object");
  const json::object& object = value.get_object();
  for (const auto& member : object) {
    const std::string_view key(member.key().data(), member.key().size());
    if (key != "dtype" && key != "shape" && key != "data_offsets") {
      return InvalidArgument("unknown key " + Quoted(key));
    }
  }
  const json::value* dtype = object.if_contains("dtype");
  if (dtype == nullptr || !dtype->is_string()) return InvalidArgument("dtype: wanted a string");
  TensorEntry tensor;
  tensor.dtype.assign(dtype->get_string().data(), dtype->get_string().size());
  ASSIGN_OR_RETURN(tensor.shape,
                   Counts(object.if_contains("shape"), "shape", kMaxTensorDimensions));
  ASSIGN_OR_RETURN(const auto offsets,
                   Counts(object.if_contains("data_offsets"), "data_offsets", 2));
  if (offsets.size() != 2) return InvalidArgument("data_offsets: wanted two numbers");
  tensor.begin = offsets[0];
  tensor.end = offsets[1];
  ASSIGN_OR_RETURN(const uint64_t bytes, BytesOf(tensor));
  if (tensor.begin > tensor.end || tensor.end - tensor.begin != bytes) {
    return InvalidArgument("data_offsets: shape and dtype need " + std::to_string(bytes) +
                           " bytes, offsets are " + std::to_string(tensor.begin) + " to " +
                           std::to_string(tensor.end));
  }
  return tensor;
}

Status CheckMetadata(const json::value& value) {
  if (!value.is_object()) return InvalidArgument("__metadata__: wanted an object");
  for (const auto& member : value.get_object()) {
    if (!member.value().is_string()) return InvalidArgument("__metadata__: wanted strings only");
  }
  return OkStatus();
}

// Tensors must follow each other from 0 to `data_bytes` without a hole or an overlap.
Status CheckCoverage(const TensorEntries& tensors, uint64_t data_bytes) {
  std::vector<const TensorEntries::value_type*> by_offset;
  for (const auto& entry : tensors) by_offset.push_back(&entry);
  std::sort(by_offset.begin(), by_offset.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  uint64_t reached = 0;
  for (const auto* entry : by_offset) {
    if (entry->second.begin != reached) {
      return InvalidArgument("tensor " + Quoted(entry->first) + ": data_offsets: " +
                             (entry->second.begin > reached ? "hole" : "overlap") + " at byte " +
                             std::to_string(std::min(reached, entry->second.begin)) + " of data");
    }
    reached = entry->second.end;
  }
  if (reached == data_bytes) return OkStatus();
  return InvalidArgument("data: tensors need " + std::to_string(reached) + " bytes, the file has " +
                         std::to_string(data_bytes));
}

}  // namespace

uint64_t SafetensorsHeaderEnd(std::span<const std::byte> prefix, uint64_t file_bytes) {
  if (file_bytes < kLengthBytes || prefix.size() < kLengthBytes) return file_bytes;
  const uint64_t length = LittleEndian64(prefix.first<kLengthBytes>());
  return std::min(kLengthBytes + std::min(length, kMaxSafetensorsHeaderBytes), file_bytes);
}

StatusOr<TensorEntries> ParseSafetensorsHeader(std::span<const std::byte> prefix,
                                               uint64_t file_bytes) {
  ASSIGN_OR_RETURN(const std::string_view text, HeaderText(prefix, file_bytes));
  auto header = ParseStrictJsonObject(text);
  if (!header.ok()) return Annotate(header.status(), "header");
  TensorEntries tensors;
  for (const auto& member : *header) {
    const std::string name(member.key().data(), member.key().size());
    if (name == "__metadata__") {
      RETURN_IF_ERROR(CheckMetadata(member.value()));
      continue;
    }
    auto tensor = ParseTensor(member.value());
    if (!tensor.ok()) return Annotate(tensor.status(), "tensor " + Quoted(name));
    tensors.emplace(name, *std::move(tensor));
    if (tensors.size() > kMaxTensorsInFile) return InvalidArgument("header: too many tensors");
  }
  const uint64_t data_start = kLengthBytes + text.size();
  RETURN_IF_ERROR(CheckCoverage(tensors, file_bytes - data_start));
  for (auto& [name, tensor] : tensors) {
    tensor.begin += data_start;
    tensor.end += data_start;
  }
  return tensors;
}

}  // namespace windrose
