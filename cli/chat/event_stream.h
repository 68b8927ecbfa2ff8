// EventStream: takes server-sent events apart, however the bytes are cut.
//
//   stream = *event
//   event  = *( ":" comment EOL | name ":" [" "] value EOL ) EOL      EOL = CRLF | LF
//
// Only the values of "data" fields matter here; several in one event are joined with LF.
// Thread-compatible.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace windrose::cli {

class EventStream {
 public:
  static constexpr size_t kMaxEventBytes = 16 * 1024 * 1024;
  using DataCallback = std::function<void(const std::string& data)>;

  explicit EventStream(DataCallback on_data) : on_data_(std::move(on_data)) {}

  // Calls back for each event that `piece` completes. RESOURCE_EXHAUSTED when one grows too long.
  Status Feed(std::string_view piece);

 private:
  void OnLine(std::string_view line);

  DataCallback on_data_;
  std::string line_;  // begun, not ended
  std::string data_;
  bool has_data_ = false;
};

}  // namespace windrose::cli
