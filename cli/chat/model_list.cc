#include "cli/chat/model_list.h"

#include <boost/json.hpp>

#include "cli/chat/terminal_text.h"

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

// Of what may be no UTF-8, the bytes that are ASCII.
std::string ShownBytes(std::string_view bytes) {
  std::string shown = WithoutControls(bytes);
  for (char& byte : shown) {
    if (static_cast<unsigned char>(byte) > 0x7F) byte = '?';
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
  if (models->empty()) return NotFound("no model is served");
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
  return message == nullptr ? ShownBytes(body.substr(0, kShownBytes)) : WithoutControls(*message);
}

}  // namespace windrose::cli
