#include "router/api/json_fields.h"

#include <array>
#include <charconv>

#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

std::string Shortest(double value) {
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return std::string(buffer.data(), result.ptr);
}

}  // namespace

std::optional<uint64_t> ToUnsigned(const JsonValue& value, uint64_t max) {
  const JsonNumber* const number = value.AsNumber();
  if (number == nullptr || !number->integral || number->magnitude > max) return std::nullopt;
  if (number->negative && number->magnitude != 0) return std::nullopt;
  return number->magnitude;
}

const JsonValue* JsonFields::Get(std::string_view key) const {
  const JsonValue* const value = object_.Find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::optional<bool> JsonFields::Bool(std::string_view key) {
  const JsonValue* const value = Get(key);
  if (value == nullptr) return std::nullopt;
  if (value->AsBool() == nullptr) {
    FailType(key, "a boolean", *value);
    return std::nullopt;
  }
  return *value->AsBool();
}

std::optional<float> JsonFields::Real(std::string_view key, const RealRange& range) {
  const JsonValue* const value = Get(key);
  if (value == nullptr) return std::nullopt;
  if (value->AsNumber() == nullptr) {
    FailType(key, "a number", *value);
    return std::nullopt;
  }
  const double real = value->AsNumber()->real;
  const float narrow = static_cast<float>(real);
  // The narrowed value is checked too: a tiny top_p must not become 0.
  const bool above = range.above_min ? real > range.min && narrow > static_cast<float>(range.min)
                                     : real >= range.min;
  if (!above || real > range.max) {
    FailValue(key, std::string("a number ") + (range.above_min ? "above " : "from ") +
                       Shortest(range.min) + " to " + Shortest(range.max));
    return std::nullopt;
  }
  return narrow;
}

std::optional<uint64_t> JsonFields::Unsigned(std::string_view key, uint64_t min, uint64_t max) {
  const JsonValue* const value = Get(key);
  if (value == nullptr) return std::nullopt;
  if (value->AsNumber() == nullptr) {
    FailType(key, "an integer", *value);
    return std::nullopt;
  }
  const auto number = ToUnsigned(*value, max);
  if (!number.has_value() || *number < min) {
    FailValue(key, "an integer from " + std::to_string(min) + " to " + std::to_string(max));
    return std::nullopt;
  }
  return number;
}

std::optional<uint64_t> JsonFields::Signed64(std::string_view key) {
  const JsonValue* const value = Get(key);
  if (value == nullptr) return std::nullopt;
  const JsonNumber* const number = value->AsNumber();
  if (number == nullptr) {
    FailType(key, "an integer", *value);
    return std::nullopt;
  }
  constexpr uint64_t kLimit = uint64_t{1} << 63;
  const uint64_t limit = number->negative ? kLimit : kLimit - 1;
  if (!number->integral || number->magnitude > limit) {
    FailValue(key, "an integer of 64 bits");
    return std::nullopt;
  }
  return number->negative ? uint64_t{0} - number->magnitude : number->magnitude;
}

std::optional<std::string> JsonFields::Text(std::string_view key, size_t max_bytes) {
  const JsonValue* const value = Get(key);
  if (value == nullptr) return std::nullopt;
  const std::string* const text = value->AsString();
  if (text == nullptr) {
    FailType(key, "a string", *value);
    return std::nullopt;
  }
  if (text->size() > max_bytes) {
    FailValue(key, "a string of at most " + std::to_string(max_bytes) + " bytes");
    return std::nullopt;
  }
  return *text;
}

const JsonValue::Array* JsonFields::Array(std::string_view key) {
  const JsonValue* const value = Get(key);
  if (value != nullptr && value->AsArray() == nullptr) FailType(key, "an array", *value);
  return value == nullptr ? nullptr : value->AsArray();
}

const JsonValue::Object* JsonFields::Object(std::string_view key) {
  const JsonValue* const value = Get(key);
  if (value != nullptr && value->AsObject() == nullptr) FailType(key, "an object", *value);
  return value == nullptr ? nullptr : value->AsObject();
}

void JsonFields::Fail(Status status) {
  if (status_.ok()) status_ = std::move(status);
}

void JsonFields::FailType(std::string_view key, const char* wanted, const JsonValue& value) {
  const std::string path = PathOf(key);
  Fail(BadField(path, "invalid_type",
                "'" + path + "' must be " + wanted + ", but is " + value.TypeName()));
}

void JsonFields::FailValue(std::string_view key, const std::string& wanted) {
  const std::string path = PathOf(key);
  Fail(BadField(path, "invalid_value", "'" + path + "' must be " + wanted));
}

void JsonFields::FailMissing(std::string_view key) {
  const std::string path = PathOf(key);
  Fail(BadField(path, "missing_required_parameter", "'" + path + "' is missing"));
}

void JsonFields::FailUnsupported(std::string_view key) {
  const std::string path = PathOf(key);
  Fail(BadField(path, "unsupported_parameter", "'" + path + "' is not supported with this value"));
}

}  // namespace windrose::router
