#include "common/model/gguf.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "common/model/gguf_cursor.h"
#include "common/model/strict_json.h"

namespace windrose {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::string_view kAlignmentKey = "general.alignment";
constexpr uint64_t kDefaultAlignment = 32;
constexpr uint64_t kLowestAlignment = 8;
// The shortest key and tensor there can be: a name of one byte, a value of one, one dimension.
constexpr uint64_t kMinKeyBytes = 8 + 1 + 4 + 1;
constexpr uint64_t kMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

struct ValueFormat {
  std::string_view name;
  size_t bytes;
};
// By GgufValueType.
constexpr std::array<ValueFormat, 13> kValueFormats = {{{"u8", 1},
                                                        {"i8", 1},
                                                        {"u16", 2},
                                                        {"i16", 2},
                                                        {"u32", 4},
                                                        {"i32", 4},
                                                        {"f32", 4},
                                                        {"bool", 1},
                                                        {"string", 0},
                                                        {"array", 0},
                                                        {"u64", 8},
                                                        {"i64", 8},
                                                        {"f64", 8}}};

uint64_t RoundedUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

Status CheckCount(uint64_t count, uint64_t max, const GgufCursor& cursor, uint64_t min_bytes) {
  if (count > max) {
    return InvalidArgument("wanted at most " + std::to_string(max) + ", the file says " +
                           std::to_string(count));
  }
  if (count * min_bytes > cursor.left()) {
    return InvalidArgument("the file says " + std::to_string(count) + " but has only " +
                           std::to_string(cursor.left()) + " bytes left");
  }
  return OkStatus();
}

struct Counts {
  uint64_t tensors = 0;
  uint64_t keys = 0;
};

Status CheckVersion(uint32_t version) {
  if (version == 2 || version == 3) return OkStatus();
  if (version != 0 && (version & 0xFFFF) == 0) {
    return InvalidArgument("version: the file is big-endian, wanted little-endian");
  }
  return InvalidArgument("version: wanted 2 or 3, the file says " + std::to_string(version));
}

StatusOr<Counts> ParseStart(GgufCursor& cursor) {
  ASSIGN_OR_RETURN(const auto magic, cursor.Take(kMagic.size(), "magic"));
  const std::string_view text(reinterpret_cast<const char*>(magic.data()), magic.size());
  if (text != kMagic) {
    return InvalidArgument("magic: wanted \"GGUF\", the file begins with " + Quoted(text));
  }
  ASSIGN_OR_RETURN(const uint64_t version, cursor.Number(4, "version"));
  RETURN_IF_ERROR(CheckVersion(static_cast<uint32_t>(version)));
  Counts counts;
  ASSIGN_OR_RETURN(counts.tensors, cursor.Number(8, "number of tensors"));
  ASSIGN_OR_RETURN(counts.keys, cursor.Number(8, "number of keys"));
  RETURN_IF_ERROR(Annotate(CheckCount(counts.tensors, kMaxGgufTensors, cursor, kMinTensorBytes),
                           "number of tensors"));
  RETURN_IF_ERROR(
      Annotate(CheckCount(counts.keys, kMaxGgufKeys, cursor, kMinKeyBytes), "number of keys"));
  return counts;
}

StatusOr<GgufValueType> ParseValueType(GgufCursor& cursor) {
  ASSIGN_OR_RETURN(const uint64_t type, cursor.Number(4, "type"));
  if (type < kValueFormats.size()) return GgufValueType{static_cast<uint32_t>(type)};
  return InvalidArgument("type " + std::to_string(type) + " unknown");
}

// Passes over `count` values of `type`, which stand inside `nesting` arrays.
Status PassValues(GgufCursor& cursor, GgufValueType type, uint64_t count, size_t nesting);

Status PassBools(GgufCursor& cursor, uint64_t count) {
  ASSIGN_OR_RETURN(const auto bytes, cursor.Take(count, "bool"));
  const auto is_bool = [](std::byte byte) { return byte <= std::byte{1}; };
  if (std::all_of(bytes.begin(), bytes.end(), is_bool)) return OkStatus();
  return InvalidArgument("bool: wanted 0 or 1, the file has another byte");
}

Status PassStrings(GgufCursor& cursor, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    RETURN_IF_ERROR(cursor.Text(kMaxGgufStringBytes, "string").status());
  }
  return OkStatus();
}

struct ArrayStart {
  GgufValueType type;
  uint64_t count;
};

StatusOr<ArrayStart> ParseArrayStart(GgufCursor& cursor) {
  ASSIGN_OR_RETURN(const GgufValueType type, ParseValueType(cursor));
  ASSIGN_OR_RETURN(const uint64_t count, cursor.Number(8, "array"));
  RETURN_IF_ERROR(Annotate(CheckCount(count, kMaxGgufArrayElements, cursor, 1), "array"));
  return ArrayStart{type, count};
}

Status PassArrays(GgufCursor& cursor, uint64_t count, size_t nesting) {
  if (nesting >= kMaxGgufArrayNesting) {
    return InvalidArgument("array: wanted at most " + std::to_string(kMaxGgufArrayNesting) +
                           " within each other, the file has more");
  }
  for (uint64_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const ArrayStart start, ParseArrayStart(cursor));
    RETURN_IF_ERROR(PassValues(cursor, start.type, start.count, nesting + 1));
  }
  return OkStatus();
}

Status PassValues(GgufCursor& cursor, GgufValueType type, uint64_t count, size_t nesting) {
  if (type == GgufValueType::kString) return PassStrings(cursor, count);
  if (type == GgufValueType::kArray) return PassArrays(cursor, count, nesting);
  if (type == GgufValueType::kBool) return PassBools(cursor, count);
  return cursor.Take(count * SizeOf(type), "value").status();
}

StatusOr<GgufValue> ParseValue(GgufCursor& cursor) {
  GgufValue value;
  ASSIGN_OR_RETURN(value.type, ParseValueType(cursor));
  value.is_array = value.type == GgufValueType::kArray;
  if (value.is_array) {
    ASSIGN_OR_RETURN(const ArrayStart start, ParseArrayStart(cursor));
    value.type = start.type;
    value.count = start.count;
  }
  value.begin = cursor.position();
  RETURN_IF_ERROR(PassValues(cursor, value.type, value.count, value.is_array ? 1 : 0));
  value.end = cursor.position();
  return value;
}

StatusOr<std::string> ParseName(GgufCursor& cursor, uint64_t max_bytes) {
  ASSIGN_OR_RETURN(const std::string_view name, cursor.Text(max_bytes, "name"));
  if (name.empty()) return InvalidArgument("name: is empty");
  return std::string(name);
}

Status ParseKey(GgufCursor& cursor, GgufValues* values) {
  auto name = ParseName(cursor, kMaxGgufKeyBytes);
  if (!name.ok()) return Annotate(name.status(), "key " + std::to_string(values->size()));
  const auto value = ParseValue(cursor);
  if (!value.ok()) return Annotate(value.status(), "key " + Quoted(*name));
  if (values->emplace(*name, *value).second) return OkStatus();
  return InvalidArgument("key " + Quoted(*name) + ": is there twice");
}

// Bytes of a tensor, whose type is known. Sizes are not 0.
StatusOr<uint64_t> BytesOf(const GgufTensor& tensor) {
  const GgufFormat& format = *FormatOf(tensor.type);
  if (tensor.sizes.front() % format.block_values != 0) {
    return InvalidArgument("sizes: " + std::string(format.name) + " wants rows of a multiple of " +
                           std::to_string(format.block_values) + " numbers, the file says " +
                           std::to_string(tensor.sizes.front()));
  }
  uint64_t bytes = format.block_bytes;
  if (__builtin_mul_overflow(bytes, tensor.sizes.front() / format.block_values, &bytes)) {
    return InvalidArgument("sizes: overflow, a row would have 2^64 bytes or more");
  }
  for (size_t i = 1; i < tensor.sizes.size(); ++i) {
    if (__builtin_mul_overflow(bytes, tensor.sizes[i], &bytes)) {
      return InvalidArgument("sizes: overflow, the tensor would have 2^64 bytes or more");
    }
  }
  return bytes;
}

StatusOr<std::vector<uint64_t>> ParseSizes(GgufCursor& cursor) {
  ASSIGN_OR_RETURN(const uint64_t dimensions, cursor.Number(4, "dimensions"));
  if (dimensions == 0 || dimensions > kMaxGgufDimensions) {
    return InvalidArgument("dimensions: wanted 1 to " + std::to_string(kMaxGgufDimensions) +
                           ", the file says " + std::to_string(dimensions));
  }
  std::vector<uint64_t> sizes;
  for (uint64_t i = 0; i < dimensions; ++i) {
    ASSIGN_OR_RETURN(const uint64_t size, cursor.Number(8, "sizes"));
    if (size == 0) return InvalidArgument("sizes: wanted 1 or more, the file says 0");
    sizes.push_back(size);
  }
  return sizes;
}

// Offsets still count from the start of data; end is begin + bytes, which do not overflow.
StatusOr<GgufTensor> ParseTensor(GgufCursor& cursor) {
  GgufTensor tensor;
  ASSIGN_OR_RETURN(tensor.sizes, ParseSizes(cursor));
  ASSIGN_OR_RETURN(const uint64_t type, cursor.Number(4, "type"));
  tensor.type = GgufTensorType{static_cast<uint32_t>(type)};
  if (FormatOf(tensor.type) == nullptr) {
    return InvalidArgument("type " + std::to_string(type) + " unknown");
  }
  ASSIGN_OR_RETURN(tensor.begin, cursor.Number(8, "offset"));
  ASSIGN_OR_RETURN(const uint64_t bytes, BytesOf(tensor));
  if (__builtin_add_overflow(tensor.begin, bytes, &tensor.end)) {
    return InvalidArgument("offset: " + std::to_string(tensor.begin) + " and " +
                           std::to_string(bytes) + " bytes overflow");
  }
  return tensor;
}

Status ParseTensorInto(GgufCursor& cursor, GgufTensors* tensors) {
  auto name = ParseName(cursor, kMaxGgufNameBytes);
  if (!name.ok()) return Annotate(name.status(), "tensor " + std::to_string(tensors->size()));
  auto tensor = ParseTensor(cursor);
  if (!tensor.ok()) return Annotate(tensor.status(), "tensor " + Quoted(*name));
  if (tensors->emplace(*name, *std::move(tensor)).second) return OkStatus();
  return InvalidArgument("tensor " + Quoted(*name) + ": is there twice");
}

StatusOr<uint64_t> AlignmentOf(const GgufValues& values, std::span<const std::byte> prefix) {
  const auto found = values.find(kAlignmentKey);
  if (found == values.end()) return kDefaultAlignment;
  const GgufValue& value = found->second;
  if (value.is_array || value.type != GgufValueType::kU32) {
    return InvalidArgument(std::string(kAlignmentKey) + ": wanted a u32");
  }
  const uint64_t alignment = LittleEndian(prefix.subspan(value.begin, value.end - value.begin));
  if (std::has_single_bit(alignment) && alignment >= kLowestAlignment &&
      alignment <= kMaxGgufAlignment) {
    return alignment;
  }
  return InvalidArgument(std::string(kAlignmentKey) + ": wanted a power of two from " +
                         std::to_string(kLowestAlignment) + " to " +
                         std::to_string(kMaxGgufAlignment) + ", the file says " +
                         std::to_string(alignment));
}

// A tensor that begins where the one before it ended: at `reached`, in `data_bytes` of data.
Status CheckPlace(const GgufTensor& tensor, uint64_t reached, uint64_t data_bytes) {
  if (tensor.end > data_bytes) {
    return InvalidArgument("data: bytes " + std::to_string(tensor.begin) + " to " +
                           std::to_string(tensor.end) + " wanted, the file has " +
                           std::to_string(data_bytes));
  }
  if (tensor.begin == reached) return OkStatus();
  return InvalidArgument("offset: " + std::string(tensor.begin > reached ? "hole" : "overlap") +
                         " at byte " + std::to_string(std::min(reached, tensor.begin)) +
                         " of data");
}

Status CheckCoverage(const GgufTensors& tensors, uint64_t data_bytes, uint64_t alignment) {
  std::vector<const GgufTensors::value_type*> by_offset;
  for (const auto& entry : tensors) by_offset.push_back(&entry);
  std::sort(by_offset.begin(), by_offset.end(),
            [](const auto* a, const auto* b) { return a->second.begin < b->second.begin; });
  uint64_t reached = 0;
  for (const auto* entry : by_offset) {
    RETURN_IF_ERROR(
        Annotate(CheckPlace(entry->second, reached, data_bytes), "tensor " + Quoted(entry->first)));
    reached = RoundedUp(entry->second.end, alignment);
  }
  if (data_bytes <= reached) return OkStatus();
  return InvalidArgument("data: tensors need " + std::to_string(reached) + " bytes, the file has " +
                         std::to_string(data_bytes));
}

}  // namespace

size_t SizeOf(GgufValueType type) { return kValueFormats[static_cast<size_t>(type)].bytes; }

std::string_view NameOf(GgufValueType type) {
  return kValueFormats[static_cast<size_t>(type)].name;
}

StatusOr<GgufHeader> ParseGgufHeader(std::span<const std::byte> prefix, uint64_t file_bytes) {
  prefix = prefix.first(std::min({prefix.size(), size_t{file_bytes}, size_t{kMaxGgufHeaderBytes}}));
  GgufCursor cursor(prefix);
  ASSIGN_OR_RETURN(const Counts counts, ParseStart(cursor));
  GgufHeader header;
  for (uint64_t i = 0; i < counts.keys; ++i) {
    RETURN_IF_ERROR(ParseKey(cursor, &header.values));
  }
  ASSIGN_OR_RETURN(const uint64_t alignment, AlignmentOf(header.values, prefix));
  for (uint64_t i = 0; i < counts.tensors; ++i) {
    RETURN_IF_ERROR(ParseTensorInto(cursor, &header.tensors));
  }
  // A file without tensors may end before its padding does.
  const uint64_t data_begin = RoundedUp(cursor.position(), alignment);
  const uint64_t data_bytes = file_bytes - std::min(data_begin, file_bytes);
  RETURN_IF_ERROR(CheckCoverage(header.tensors, data_bytes, alignment));
  for (auto& [name, tensor] : header.tensors) {
    tensor.begin += data_begin;
    tensor.end += data_begin;
  }
  return header;
}

}  // namespace windrose
