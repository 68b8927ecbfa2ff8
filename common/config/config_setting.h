// ConfigSetting: one setting bound to a field: how its text is read, checked and printed.
//
// Internal to common/config. Thread-compatible.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/base/time.h"

namespace windrose {

struct ConfigSetting {
  std::string flag;  // without dashes
  std::string help;
  std::string type;  // for --help, as "TIME"
  bool is_bool = false;
  // Sets the field; the message says what was wanted, without the value.
  std::function<Status(std::string_view text)> set;
  // The field's value in the file format.
  std::function<std::string()> print;
};

ConfigSetting TextSetting(std::string& field);
ConfigSetting BoolSetting(bool& field);
ConfigSetting DoubleSetting(double& field, double minimum, double maximum);
ConfigSetting DurationSetting(Duration& field, Duration minimum, Duration maximum);
ConfigSetting BytesSetting(uint64_t& field, uint64_t minimum, uint64_t maximum);
ConfigSetting ListSetting(std::vector<std::string>& field);
ConfigSetting IntegersSetting(std::vector<uint32_t>& field, uint32_t minimum, uint32_t maximum);
ConfigSetting ChoiceSetting(std::string& field, const std::vector<std::string>& choices);

// For uint16_t, int32_t, uint32_t, int64_t and uint64_t.
template <typename Integer>
ConfigSetting IntegerSetting(Integer& field, Integer minimum, Integer maximum);

}  // namespace windrose
