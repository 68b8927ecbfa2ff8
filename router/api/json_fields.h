// JsonFields: reads the members of one JSON object into typed values and remembers the first error.
//
// Absent members and explicit nulls are nullopt. After an error the getters go on returning values,
// so a caller reads everything and asks status() once. Thread-compatible; borrows the object.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "router/api/json.h"

namespace windrose::router {

// Bounds of a real number, both allowed unless `above_min`.
struct RealRange {
  double min = 0;
  double max = 0;
  bool above_min = false;  // `min` itself is refused
};

class JsonFields {
 public:
  // `path` is put in front of member names in errors: "messages[3]." or "".
  explicit JsonFields(const JsonValue& object, std::string path = "")
      : object_(object), path_(std::move(path)) {}

  // The member, or nullptr when it is absent or null.
  const JsonValue* Get(std::string_view key) const;

  std::optional<bool> Bool(std::string_view key);
  std::optional<float> Real(std::string_view key, const RealRange& range);
  std::optional<uint64_t> Unsigned(std::string_view key, uint64_t min, uint64_t max);
  // Any 64-bit signed integer, as its two's complement.
  std::optional<uint64_t> Signed64(std::string_view key);
  std::optional<std::string> Text(std::string_view key, size_t max_bytes);
  const JsonValue::Array* Array(std::string_view key);
  const JsonValue::Object* Object(std::string_view key);

  // Remembers an error, unless there is one already.
  void Fail(Status status);
  void FailType(std::string_view key, const char* wanted, const JsonValue& value);
  void FailValue(std::string_view key, const std::string& wanted);
  void FailMissing(std::string_view key);
  void FailUnsupported(std::string_view key);

  const Status& status() const { return status_; }
  std::string PathOf(std::string_view key) const { return path_ + std::string(key); }

 private:
  const JsonValue& object_;
  std::string path_;
  Status status_;
};

// `value` as an unsigned integer no larger than `max`, or nullopt.
std::optional<uint64_t> ToUnsigned(const JsonValue& value, uint64_t max);

}  // namespace windrose::router
