#include "common/model/strict_json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <limits>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace windrose {
namespace {

namespace json = boost::json;
using ErrorCode = json::error_code;
using StringView = json::string_view;

// Builds the tree from the parser's events, and stops at a repeated key, at too many values and at
// a number that no double holds. Its methods have the names and shapes that json::basic_parser
// wants; false stops the parser.
class StrictBuilder {
 public:
  // NOLINTBEGIN(readability-identifier-naming): the parser asks for these names.
  static constexpr size_t max_array_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_object_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_string_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_key_size = std::numeric_limits<size_t>::max();
  // NOLINTEND(readability-identifier-naming): they end here.

  explicit StrictBuilder(size_t max_values) : values_left_(max_values) { tree_.reset(); }

  // Once, when the parser has come to the end of the text without an error.
  json::value Release() { return tree_.release(); }

  const std::string& error() const { return error_; }

  bool on_document_begin(ErrorCode&) { return true; }
  bool on_document_end(ErrorCode&) { return true; }
  bool on_object_begin(ErrorCode& code) {
    keys_.emplace_back();
    return CountValue(code);
  }
  bool on_object_end(size_t members, ErrorCode&) {
    keys_.pop_back();
    tree_.push_object(members);
    return true;
  }
  bool on_array_begin(ErrorCode& code) { return CountValue(code); }
  bool on_array_end(size_t elements, ErrorCode&) {
    tree_.push_array(elements);
    return true;
  }
  bool on_key_part(StringView part, size_t, ErrorCode&) { return Append(part); }
  bool on_key(StringView part, size_t, ErrorCode& code) {
    const std::string key = TakeText(part);
    if (!keys_.back().insert(key).second) {
      return Fail("key " + Quoted(key) + " stands twice in one object", code);
    }
    tree_.push_key(key);
    return true;
  }
  bool on_string_part(StringView part, size_t, ErrorCode&) { return Append(part); }
  bool on_string(StringView part, size_t, ErrorCode& code) {
    tree_.push_string(TakeText(part));
    return CountValue(code);
  }
  bool on_number_part(StringView part, ErrorCode&) { return Append(part); }
  bool on_int64(int64_t value, StringView, ErrorCode& code) {
    text_.clear();
    tree_.push_int64(value);
    return CountValue(code);
  }
  bool on_uint64(uint64_t value, StringView, ErrorCode& code) {
    text_.clear();
    tree_.push_uint64(value);
    return CountValue(code);
  }
  // Reads the digits itself: the library's value is off by one unit in the last place for one
  // number in eight of 17 digits, so a config written and read again would not be the same.
  bool on_double(double, StringView part, ErrorCode& code) {
    const std::string digits = TakeText(part);
    double value = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc()) {
      return Fail("number " + Quoted(digits) + " is out of a double's range", code);
    }
    tree_.push_double(value);
    return CountValue(code);
  }
  bool on_bool(bool value, ErrorCode& code) {
    tree_.push_bool(value);
    return CountValue(code);
  }
  bool on_null(ErrorCode& code) {
    tree_.push_null();
    return CountValue(code);
  }
  bool on_comment_part(StringView, ErrorCode&) { return true; }
  bool on_comment(StringView, ErrorCode&) { return true; }

 private:
  bool Fail(std::string why, ErrorCode& code) {
    error_ = std::move(why);
    code = json::make_error_code(json::error::exception);
    return false;
  }
  bool CountValue(ErrorCode& code) {
    if (values_left_ == 0) return Fail("more values than allowed", code);
    --values_left_;
    return true;
  }
  bool Append(StringView part) {
    text_.append(part.data(), part.size());
    return true;
  }
  std::string TakeText(StringView last_part) {
    Append(last_part);
    return std::exchange(text_, {});
  }

  size_t values_left_;
  std::string text_;  // of the key, string or number that is being read
  std::vector<std::unordered_set<std::string>> keys_;  // of the objects that are open
  json::value_stack tree_;
  std::string error_;
};

}  // namespace

StatusOr<json::object> ParseStrictJsonObject(std::string_view text,
                                             const StrictJsonLimits& limits) {
  json::parse_options options;
  options.max_depth = limits.max_depth;
  json::basic_parser<StrictBuilder> parser(options, limits.max_values);
  ErrorCode code;
  const size_t used = parser.write_some(false, text.data(), text.size(), code);
  if (code) {
    const std::string& why = parser.handler().error();
    return InvalidArgument("bad JSON at byte " + std::to_string(used) + ": " +
                           (why.empty() ? code.message() : why));
  }
  if (used < text.size()) return InvalidArgument("bytes after the JSON value");
  json::value value = parser.handler().Release();
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
