// Log: structured lines, "time level component event key=value …", to stderr.
//
// INFO at lifecycle, WARN when degraded, never per token. Values are escaped, so that no input can
// forge a line. One Log per process, made in main and passed down. Thread-safe.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace windrose {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };

// One key=value of a line.
struct LogField {
  LogField(std::string_view key_in, std::string_view value_in) : key(key_in), value(value_in) {}
  LogField(std::string_view key_in, const char* value_in) : key(key_in), value(value_in) {}
  template <typename Number>
  requires std::is_arithmetic_v<Number> LogField(std::string_view key_in, Number value_in)
      : key(key_in), value(std::to_string(value_in)) {}
  std::string key;
  std::string value;
};

class Log {
 public:
  virtual ~Log() = default;
  virtual void Write(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) = 0;

  void Debug(std::string_view event, std::initializer_list<LogField> fields = {}) {
    Write(LogLevel::kDebug, event, fields);
  }
  void Info(std::string_view event, std::initializer_list<LogField> fields = {}) {
    Write(LogLevel::kInfo, event, fields);
  }
  void Warn(std::string_view event, std::initializer_list<LogField> fields = {}) {
    Write(LogLevel::kWarn, event, fields);
  }
  void Error(std::string_view event, std::initializer_list<LogField> fields = {}) {
    Write(LogLevel::kError, event, fields);
  }
};

// Drops everything: tests and simulations.
class NullLog final : public Log {
 public:
  void Write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

}  // namespace windrose
