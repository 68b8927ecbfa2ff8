#include "common/model/gguf_metadata.h"

#include <bit>
#include <cmath>
#include <limits>
#include <optional>

#include "common/model/gguf_cursor.h"
#include "common/model/strict_json.h"

namespace windrose {
namespace {

std::string TypeText(const GgufValue& value) {
  return (value.is_array ? "an array of " : "a value of type ") + std::string(NameOf(value.type));
}

Status Unwanted(std::string_view key, const std::string& wanted, const std::string& got) {
  return InvalidArgument("key " + Quoted(key) + ": wanted " + wanted + ", the file has " + got);
}

bool IsSigned(GgufValueType type) {
  return type == GgufValueType::kI8 || type == GgufValueType::kI16 || type == GgufValueType::kI32 ||
         type == GgufValueType::kI64;
}

bool IsWhole(GgufValueType type) {
  return IsSigned(type) || type == GgufValueType::kU8 || type == GgufValueType::kU16 ||
         type == GgufValueType::kU32 || type == GgufValueType::kU64;
}

// A whole number that is not negative and fits 32 bits.
std::optional<uint32_t> CountIn(std::span<const std::byte> bytes, bool is_signed) {
  const uint64_t number = LittleEndian(bytes);
  const uint64_t sign = uint64_t{1} << (8 * bytes.size() - 1);
  if ((is_signed && (number & sign) != 0) || number > std::numeric_limits<uint32_t>::max()) {
    return std::nullopt;
  }
  return static_cast<uint32_t>(number);
}

float FloatIn(std::span<const std::byte> bytes) {
  return std::bit_cast<float>(static_cast<uint32_t>(LittleEndian(bytes)));
}

}  // namespace

StatusOr<GgufValue> GgufMetadata::Find(std::string_view key, bool is_array) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return NotFound("key " + Quoted(key) + ": is missing");
  if (found->second.is_array == is_array) return found->second;
  return Unwanted(key, is_array ? "an array" : "one value", TypeText(found->second));
}

StatusOr<GgufValue> GgufMetadata::FindArray(std::string_view key, uint64_t max_count) const {
  ASSIGN_OR_RETURN(const GgufValue value, Find(key, true));
  if (value.count <= max_count) return value;
  return Unwanted(key, "at most " + std::to_string(max_count) + " elements",
                  std::to_string(value.count));
}

StatusOr<uint32_t> GgufMetadata::Count(std::string_view key) const {
  constexpr const char* kWanted = "a whole number from 0 to 4294967295";
  ASSIGN_OR_RETURN(const GgufValue value, Find(key, false));
  if (!IsWhole(value.type)) return Unwanted(key, kWanted, TypeText(value));
  const std::optional<uint32_t> count = CountIn(BytesOf(value), IsSigned(value.type));
  if (count) return *count;
  return Unwanted(key, kWanted, "a negative or larger one");
}

StatusOr<double> GgufMetadata::Number(std::string_view key) const {
  constexpr const char* kWanted = "a finite f32 or f64";
  ASSIGN_OR_RETURN(const GgufValue value, Find(key, false));
  double number = 0;
  if (value.type == GgufValueType::kF32) {
    number = FloatIn(BytesOf(value));
  } else if (value.type == GgufValueType::kF64) {
    number = std::bit_cast<double>(LittleEndian(BytesOf(value)));
  } else {
    return Unwanted(key, kWanted, TypeText(value));
  }
  if (std::isfinite(number)) return number;
  return Unwanted(key, kWanted, "NaN or an infinite one");
}

StatusOr<bool> GgufMetadata::Flag(std::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue value, Find(key, false));
  if (value.type != GgufValueType::kBool) return Unwanted(key, "a bool", TypeText(value));
  return LittleEndian(BytesOf(value)) != 0;
}

StatusOr<std::string_view> GgufMetadata::Text(std::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue value, Find(key, false));
  if (value.type != GgufValueType::kString) return Unwanted(key, "a string", TypeText(value));
  return GgufCursor(BytesOf(value)).Text(kMaxGgufStringBytes, "string");
}

StatusOr<std::vector<std::string_view>> GgufMetadata::Texts(std::string_view key,
                                                            uint64_t max_count) const {
  ASSIGN_OR_RETURN(const GgufValue value, FindArray(key, max_count));
  if (value.type != GgufValueType::kString) return Unwanted(key, "strings", TypeText(value));
  GgufCursor cursor(BytesOf(value));
  std::vector<std::string_view> texts;
  texts.reserve(value.count);
  for (uint64_t i = 0; i < value.count; ++i) {
    ASSIGN_OR_RETURN(const std::string_view text, cursor.Text(kMaxGgufStringBytes, "string"));
    texts.push_back(text);
  }
  return texts;
}

StatusOr<std::vector<float>> GgufMetadata::Floats(std::string_view key, uint64_t max_count) const {
  ASSIGN_OR_RETURN(const GgufValue value, FindArray(key, max_count));
  if (value.type != GgufValueType::kF32) return Unwanted(key, "f32 numbers", TypeText(value));
  const std::span<const std::byte> bytes = BytesOf(value);
  std::vector<float> floats;
  floats.reserve(value.count);
  for (uint64_t i = 0; i < value.count; ++i) {
    floats.push_back(FloatIn(bytes.subspan(i * sizeof(float), sizeof(float))));
  }
  return floats;
}

StatusOr<std::vector<uint32_t>> GgufMetadata::Counts(std::string_view key,
                                                     uint64_t max_count) const {
  constexpr const char* kWanted = "whole numbers from 0 to 4294967295";
  ASSIGN_OR_RETURN(const GgufValue value, FindArray(key, max_count));
  if (!IsWhole(value.type)) return Unwanted(key, kWanted, TypeText(value));
  const std::span<const std::byte> bytes = BytesOf(value);
  const size_t size = SizeOf(value.type);
  std::vector<uint32_t> counts;
  counts.reserve(value.count);
  for (uint64_t i = 0; i < value.count; ++i) {
    const std::optional<uint32_t> count =
        CountIn(bytes.subspan(i * size, size), IsSigned(value.type));
    if (!count) return Unwanted(key, kWanted, "a negative or larger one at " + std::to_string(i));
    counts.push_back(*count);
  }
  return counts;
}

StatusOr<uint64_t> GgufMetadata::ElementsOf(std::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue value, Find(key, true));
  return value.count;
}

}  // namespace windrose
