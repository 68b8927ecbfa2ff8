// The Log of a process: lines "time level component event key=value …" on stderr.
//
// Lines are written by a thread of its own from a bounded queue; when stderr is blocked the oldest
// lines are dropped, never the caller delayed. The end waits for what is queued, but not for long.
// Thread-safe.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/time.h"

namespace windrose {

// How long the end of a log waits until stderr has taken what is queued.
constexpr Duration kLogPatience = Seconds(2);

// `component` is the process's short name: "router", "coordinator", "worker". Made once, in main.
std::unique_ptr<Log> MakeProcessLog(const std::string& component, LogLevel level,
                                    Duration patience = kLogPatience);

// "debug", "info", "warn", "error" or "off".
StatusOr<LogLevel> ParseLogLevel(std::string_view text);

// "event key=value key=\"quoted value\"": control bytes, quotes and invalid UTF-8 are escaped, and
// a value is cut after 512 bytes, so that a line is one line whatever the input was.
std::string FormatLogLine(std::string_view event, std::initializer_list<LogField> fields);

// The value as it stands in a line.
std::string EscapeLogValue(std::string_view value);

}  // namespace windrose
