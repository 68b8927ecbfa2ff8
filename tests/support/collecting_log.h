// CollectingLog: a Log that keeps its lines for a test to look at. Thread-compatible. Test code
// only.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "common/base/log.h"

namespace windrose {

class CollectingLog final : public Log {
 public:
  void Write(LogLevel, std::string_view event, std::initializer_list<LogField> fields) override {
    text.append(event);
    for (const LogField& field : fields) text.append(" " + field.key + "=" + field.value);
    text += '\n';
  }

  std::string text;  // "event key=value …", a line each
};

}  // namespace windrose
