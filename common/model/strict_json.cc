#include "common/model/strict_json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <limits>
#include <string>
#include <unordered_set>
#include <vector>

namespace windrose {
namespace {

namespace json = boost::json;
using ErrorCode = json::error_code;
using StringView = json::string_view;

// Refuses repeated keys and too many values while the text is scanned; keeps nothing else. Its
// methods have the names and shapes that json::basic_parser wants; false stops the parser.
class KeyChecker {
 public:
  // NOLINTBEGIN(readability-identifier-naming): the parser asks for these names.
  static constexpr size_t max_array_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_object_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_string_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_key_size = std::numeric_limits<size_t>::max();
  // NOLINTEND(readability-identifier-naming): they end here.

  explicit KeyChecker(size_t max_values) : values_left_(max_values) {}

  const std::string& error() const { return error_; }

  bool on_document_begin(ErrorCode&) { return true; }
  bool on_document_end(ErrorCode&) { return true; }
  bool on_object_begin(ErrorCode& code) {
    keys_.emplace_back();
    return CountValue(code);
  }
  bool on_object_end(size_t, ErrorCode&) {
    keys_.pop_back();
    return true;
  }
  bool on_array_begin(ErrorCode& code) { return CountValue(code); }
  bool on_array_end(size_t, ErrorCode&) { return true; }
  bool on_key_part(StringView part, size_t, ErrorCode&) {
    key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(StringView part, size_t, ErrorCode& code) {
    key_.append(part.data(), part.size());
    const bool is_new = keys_.back().insert(key_).second;
    if (!is_new) Fail("key " + Quoted(key_) + " stands twice in one object", code);
    key_.clear();
    return is_new;
  }
  bool on_string_part(StringView, size_t, ErrorCode&) { return true; }
  bool on_string(StringView, size_t, ErrorCode& code) { return CountValue(code); }
  bool on_number_part(StringView, ErrorCode&) { return true; }
  bool on_int64(int64_t, StringView, ErrorCode& code) { return CountValue(code); }
  bool on_uint64(uint64_t, StringView, ErrorCode& code) { return CountValue(code); }
  bool on_double(double, StringView, ErrorCode& code) { return CountValue(code); }
  bool on_bool(bool, ErrorCode& code) { return CountValue(code); }
  bool on_null(ErrorCode& code) { return CountValue(code); }
  bool on_comment_part(StringView, ErrorCode&) { return true; }
  bool on_comment(StringView, ErrorCode&) { return true; }

 private:
  void Fail(std::string why, ErrorCode& code) {
    error_ = std::move(why);
    code = json::make_error_code(json::error::exception);
  }
  bool CountValue(ErrorCode& code) {
    if (values_left_ == 0) {
      Fail("more values than allowed", code);
      return false;
    }
    --values_left_;
    return true;
  }

  size_t values_left_;
  std::string key_;
  std::vector<std::unordered_set<std::string>> keys_;
  std::string error_;
};

Status CheckKeys(std::string_view text, const StrictJsonLimits& limits) {
  json::parse_options options;
  options.max_depth = limits.max_depth;
  json::basic_parser<KeyChecker> parser(options, limits.max_values);
  ErrorCode code;
  const size_t used = parser.write_some(false, text.data(), text.size(), code);
  if (!code && used < text.size()) return InvalidArgument("bytes after the JSON value");
  if (!code) return OkStatus();
  const std::string& why = parser.handler().error();
  return InvalidArgument("bad JSON at byte " + std::to_string(used) + ": " +
                         (why.empty() ? code.message() : why));
}

}  // namespace

StatusOr<json::object> ParseStrictJsonObject(std::string_view text,
                                             const StrictJsonLimits& limits) {
  RETURN_IF_ERROR(CheckKeys(text, limits));
  json::parse_options options;
  options.max_depth = limits.max_depth;
  ErrorCode code;
  json::value value = json::parse({text.data(), text.size()}, code, {}, options);
  if (code) return InvalidArgument("bad JSON: " + code.message());
  if (!value.is_object()) return InvalidArgument("wanted a JSON object at the top");
  return std::move(value.as_object());
}

std::string Quoted(std::string_view text) {
  constexpr size_t kShown = 100;
  std::string quoted = "\"";
  for (const char c : text.substr(0, kShown)) quoted += c >= ' ' && c <= '~' ? c : '?';
  return quoted + (text.size() > kShown ? "…\"" : "\"");
}

}  // namespace windrose
