// Strict, bounded JSON: the parser for request bodies, and the writer for answers.
//
// The parser refuses more than a plain one does: duplicate keys, invalid UTF-8, lone surrogates,
// numbers outside the range of a double (or that vanish to zero), trailing bytes, a byte order
// mark, and whatever passes the limits. Memory is a small multiple of the input. Values and free
// functions; thread-safe as values are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/status.h"

namespace windrose::router {

struct JsonLimits {
  size_t depth = 32;           // of nested arrays and objects
  size_t members = 10'000;     // of all objects together
  size_t elements = 262'144;   // of all arrays together
  size_t number_length = 128;  // characters of one number
};

// A number as it was written: integral when it had neither fraction nor exponent and fits 64 bits.
struct JsonNumber {
  double real = 0;
  uint64_t magnitude = 0;  // of an integral number
  bool integral = false;
  bool negative = false;
};

class JsonValue {
 public:
  using Array = std::vector<JsonValue>;
  using Member = std::pair<std::string, JsonValue>;
  using Object = std::vector<Member>;  // in the order of the text, keys unique

  JsonValue() = default;  // null
  explicit JsonValue(bool value) : value_(value) {}
  explicit JsonValue(JsonNumber value) : value_(value) {}
  explicit JsonValue(std::string value) : value_(std::move(value)) {}
  explicit JsonValue(Array value) : value_(std::move(value)) {}
  explicit JsonValue(Object value) : value_(std::move(value)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  // Null pointers when the value is of another type.
  const bool* AsBool() const { return std::get_if<bool>(&value_); }
  const JsonNumber* AsNumber() const { return std::get_if<JsonNumber>(&value_); }
  const std::string* AsString() const { return std::get_if<std::string>(&value_); }
  const Array* AsArray() const { return std::get_if<Array>(&value_); }
  const Object* AsObject() const { return std::get_if<Object>(&value_); }

  // "null", "a boolean", "a number", "a string", "an array", "an object": for error messages.
  const char* TypeName() const;

  // The member of an object, or nullptr: absent, or not an object.
  const JsonValue* Find(std::string_view key) const;

 private:
  std::variant<std::monostate, bool, JsonNumber, std::string, Array, Object> value_;
};

// The one JSON document in `text`. Errors: INVALID_ARGUMENT with the code `invalid_json` or
// `duplicate_key`.
StatusOr<JsonValue> ParseJson(std::string_view text, const JsonLimits& limits = {});

// Builds one line of JSON. Commas are put where they belong; the caller opens and closes in pairs.
class JsonWriter {
 public:
  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  JsonWriter& Key(std::string_view key);
  // Bytes that are not UTF-8 become U+FFFD; everything below 0x20, '"', '\\', DEL and U+2028/9 is
  // escaped.
  JsonWriter& String(std::string_view text);
  // The string, or null when it is empty.
  JsonWriter& StringOrNull(std::string_view text);
  JsonWriter& Integer(int64_t value);
  JsonWriter& Unsigned(uint64_t value);
  // Shortest text that reads back as the same float; infinities and NaN become -9999.0.
  JsonWriter& Float(float value);
  JsonWriter& Bool(bool value);
  JsonWriter& Null();
  std::string Take() { return std::move(text_); }

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  void Separate();

  std::string text_;
  bool need_comma_ = false;
};

// `text` with every invalid sequence replaced by U+FFFD.
std::string ToValidUtf8(std::string_view text);

// Unicode characters that begin in `text`, which is UTF-8.
size_t CountCharacters(std::string_view text);

}  // namespace windrose::router
