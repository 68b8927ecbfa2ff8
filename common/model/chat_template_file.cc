#include "common/model/chat_template_file.h"

#include <boost/json.hpp>
#include <string_view>

#include "common/model/checkpoint_layout.h"
#include "common/model/mapped_file.h"
#include "common/model/strict_json.h"

namespace windrose {
namespace {

namespace json = boost::json;

// Null when `name` is not a key of an object, or no string.
const json::string* StringAt(const json::value& object, const char* name) {
  const json::object* members = object.if_object();
  const json::value* value = members == nullptr ? nullptr : members->if_contains(name);
  return value == nullptr ? nullptr : value->if_string();
}

// Null when there is none of that name.
const json::string* DefaultOf(const json::array& templates) {
  for (const json::value& entry : templates) {
    const json::string* name = StringAt(entry, "name");
    if (name != nullptr && *name == "default") return StringAt(entry, "template");
  }
  return nullptr;
}

// Empty when the object has none.
StatusOr<std::string> TemplateInJson(std::string_view text) {
  ASSIGN_OR_RETURN(const json::object object, ParseStrictJsonObject(text));
  const json::value* value = object.if_contains("chat_template");
  if (value == nullptr || value->is_null()) return std::string();
  if (!value->is_string() && !value->is_array()) {
    return InvalidArgument("chat_template: wanted a string or a list of templates");
  }
  const json::string* found =
      value->is_array() ? DefaultOf(value->get_array()) : &value->get_string();
  return found == nullptr ? std::string() : std::string(found->data(), found->size());
}

// Empty when the file has none, or is not there.
StatusOr<std::string> TemplateIn(const std::string& directory, const std::string& file) {
  StatusOr<std::string> text = ReadModelText(directory, file, kMaxChatTemplateFileBytes);
  if (text.status().code() == StatusCode::kNotFound) return std::string();
  if (!text.ok() || !file.ends_with(".json")) return text;
  StatusOr<std::string> found = TemplateInJson(*text);
  if (!found.ok()) return Annotate(found.status(), file);
  return found;
}

}  // namespace

StatusOr<ChatTemplateFile> ReadChatTemplate(const std::string& directory) {
  for (const char* file : {kChatTemplateFile, "tokenizer_config.json", "chat_template.json"}) {
    ASSIGN_OR_RETURN(std::string text, TemplateIn(directory, file));
    if (!text.empty()) return ChatTemplateFile{file, std::move(text)};
  }
  return NotFound("the model has no chat template");
}

}  // namespace windrose
