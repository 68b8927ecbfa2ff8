#include "cli/chat/model_list.h"

#include <boost/json.hpp>

namespace windrose::cli {
namespace {

constexpr size_t kShownBytes = 200;

// The string at object[key]; null when `value` is no object or has no such string.
const boost::json::string* StringAt(const boost::json::value& value, std::string_view key) {
  const boost::json::object* object = value.if_object();
  if (object == nullptr) return nullptr;
  const boost::json::value* member = object->if_contains(key);
  return member == nullptr ? nullptr : member->if_string();
}

// One line, whatever a server sent. `is_text` when it is known to be UTF-8.
std::string Shown(std::string_view text, bool is_text) {
  std::string shown(text);
  for (char& byte : shown) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x20 || value == 0x7f || (value > 0x7f && !is_text)) byte = '?';
  }
  return shown;
}

}  // namespace

StatusOr<std::string> FirstModelId(std::string_view body) {
  boost::json::error_code error;
  const boost::json::value document = boost::json::parse(body, error);
  const boost::json::object* object = error ? nullptr : document.if_object();
  const boost::json::value* data = object == nullptr ? nullptr : object->if_contains("data");
  const boost::json::array* models = data == nullptr ? nullptr : data->if_array();
  if (models == nullptr) return InvalidArgument("the answer is not a list of models");
  if (models->empty()) return NotFound("the list of models is empty");
  const boost::json::string* id = StringAt(models->front(), "id");
  if (id == nullptr) return InvalidArgument("the first model of the list has no id");
  return std::string(*id);
}

std::string ErrorMessage(std::string_view body) {
  boost::json::error_code error;
  const boost::json::value document = boost::json::parse(body, error);
  const boost::json::object* object = error ? nullptr : document.if_object();
  const boost::json::value* inner = object == nullptr ? nullptr : object->if_contains("error");
  const boost::json::string* message = inner == nullptr ? nullptr : StringAt(*inner, "message");
  if (message != nullptr) return Shown(*message, true);
  return Shown(body.substr(0, kShownBytes), false);
}

}  // namespace windrose::cli
