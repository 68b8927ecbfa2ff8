#include "common/config/config_setting.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "common/config/config_file.h"
#include "common/config/units.h"

namespace windrose {
namespace {

constexpr size_t kLongestText = 64 * 1024;

template <typename Value>
std::string Shown(Value value) {
  std::array<char, 32> text = {};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::string(text.data(), end) : "?";
}

// The whole of `text` as a number.
template <typename Value>
bool ParseWhole(std::string_view text, Value& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

Status OutsideRange(const std::string& minimum, const std::string& maximum) {
  return OutOfRange("wanted " + minimum + " to " + maximum);
}

// A newline in a setting could forge lines wherever the setting is shown.
Status CheckText(std::string_view text) {
  for (const char byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x20 || value == 0x7f) return InvalidArgument("wanted text without control bytes");
  }
  if (text.size() > kLongestText) return InvalidArgument("wanted at most 65536 bytes");
  return OkStatus();
}

// As the file writes a list, of items that it can read.
std::string Bracketed(const std::vector<std::string>& items) {
  std::string list = "[";
  for (const std::string& item : items) list += (list.size() > 1 ? ", " : "") + item;
  return list + "]";
}

// No items of an empty text, else one more than it has commas.
std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> items;
  if (text.empty()) return items;
  for (size_t comma = text.find(','); comma != std::string_view::npos; comma = text.find(',')) {
    items.emplace_back(text.substr(0, comma));
    text.remove_prefix(comma + 1);
  }
  items.emplace_back(text);
  return items;
}

}  // namespace

ConfigSetting TextSetting(std::string& field) {
  ConfigSetting setting;
  setting.type = "TEXT";
  setting.set = [&field](std::string_view text) {
    RETURN_IF_ERROR(CheckText(text));
    field = text;
    return OkStatus();
  };
  setting.print = [&field] { return QuoteConfigValue(field); };
  return setting;
}

ConfigSetting BoolSetting(bool& field) {
  ConfigSetting setting;
  setting.is_bool = true;
  setting.set = [&field](std::string_view text) {
    if (text != "true" && text != "false") return InvalidArgument("wanted true or false");
    field = text == "true";
    return OkStatus();
  };
  setting.print = [&field] { return std::string(field ? "true" : "false"); };
  return setting;
}

ConfigSetting DoubleSetting(double& field, double minimum, double maximum) {
  ConfigSetting setting;
  setting.type = "NUMBER";
  setting.set = [&field, minimum, maximum](std::string_view text) {
    double value = 0;
    if (!ParseWhole(text, value) || !std::isfinite(value)) {
      return InvalidArgument("wanted a number");
    }
    if (value < minimum || value > maximum) return OutsideRange(Shown(minimum), Shown(maximum));
    field = value;
    return OkStatus();
  };
  setting.print = [&field] { return Shown(field); };
  return setting;
}

ConfigSetting DurationSetting(Duration& field, Duration minimum, Duration maximum) {
  ConfigSetting setting;
  setting.type = "TIME";
  setting.set = [&field, minimum, maximum](std::string_view text) -> Status {
    ASSIGN_OR_RETURN(const Duration value, ParseDuration(text));
    if (value < minimum || value > maximum) {
      return OutsideRange(FormatDuration(minimum), FormatDuration(maximum));
    }
    field = value;
    return OkStatus();
  };
  setting.print = [&field] { return QuoteConfigValue(FormatDuration(field)); };
  return setting;
}

ConfigSetting BytesSetting(uint64_t& field, uint64_t minimum, uint64_t maximum) {
  ConfigSetting setting;
  setting.type = "SIZE";
  setting.set = [&field, minimum, maximum](std::string_view text) -> Status {
    ASSIGN_OR_RETURN(const uint64_t value, ParseBytes(text));
    if (value < minimum || value > maximum) {
      return OutsideRange(FormatBytes(minimum), FormatBytes(maximum));
    }
    field = value;
    return OkStatus();
  };
  setting.print = [&field] { return QuoteConfigValue(FormatBytes(field)); };
  return setting;
}

ConfigSetting ListSetting(std::vector<std::string>& field) {
  ConfigSetting setting;
  setting.type = "LIST";
  setting.set = [&field](std::string_view text) {
    RETURN_IF_ERROR(CheckText(text));
    std::vector<std::string> items = Split(text);
    if (std::find(items.begin(), items.end(), "") != items.end()) {
      return InvalidArgument("wanted items separated by commas, none of them empty");
    }
    field = std::move(items);
    return OkStatus();
  };
  setting.print = [&field] {
    std::vector<std::string> items;
    for (const std::string& item : field) items.push_back(QuoteConfigValue(item));
    return Bracketed(items);
  };
  return setting;
}

ConfigSetting IntegersSetting(std::vector<uint32_t>& field, uint32_t minimum, uint32_t maximum) {
  ConfigSetting setting;
  setting.type = "INTEGERS";
  setting.set = [&field, minimum, maximum](std::string_view text) -> Status {
    std::vector<uint32_t> values;
    for (const std::string& item : Split(text)) {
      uint32_t& value = values.emplace_back();
      if (!ParseWhole(item, value) || value < minimum || value > maximum) {
        return InvalidArgument("wanted integers of " + Shown(minimum) + " to " + Shown(maximum) +
                               ", separated by commas");
      }
    }
    field = std::move(values);
    return OkStatus();
  };
  setting.print = [&field] {
    std::vector<std::string> items;
    for (const uint32_t value : field) items.push_back(Shown(value));
    return Bracketed(items);
  };
  return setting;
}

ConfigSetting ChoiceSetting(std::string& field, const std::vector<std::string>& choices) {
  std::string wanted;
  for (const std::string& choice : choices) wanted += (wanted.empty() ? "" : "|") + choice;
  ConfigSetting setting = TextSetting(field);
  setting.type = wanted;
  setting.set = [&field, choices, wanted](std::string_view text) {
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
      return InvalidArgument("wanted " + wanted);
    }
    field = text;
    return OkStatus();
  };
  return setting;
}

template <typename Integer>
ConfigSetting IntegerSetting(Integer& field, Integer minimum, Integer maximum) {
  ConfigSetting setting;
  setting.type = "INTEGER";
  setting.set = [&field, minimum, maximum](std::string_view text) {
    Integer value = 0;
    if (!ParseWhole(text, value) || value < minimum || value > maximum) {
      return InvalidArgument("wanted an integer of " + Shown(minimum) + " to " + Shown(maximum));
    }
    field = value;
    return OkStatus();
  };
  setting.print = [&field] { return Shown(field); };
  return setting;
}

template ConfigSetting IntegerSetting(uint16_t&, uint16_t, uint16_t);
template ConfigSetting IntegerSetting(int32_t&, int32_t, int32_t);
template ConfigSetting IntegerSetting(uint32_t&, uint32_t, uint32_t);
template ConfigSetting IntegerSetting(int64_t&, int64_t, int64_t);
template ConfigSetting IntegerSetting(uint64_t&, uint64_t, uint64_t);

}  // namespace windrose
