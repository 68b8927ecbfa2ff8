#include "router/api/json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>

#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

// Why parsing stopped, when it was our rule and not the grammar.
enum class Refusal { kNone, kDuplicateKey, kTooMany, kNumber };

// Builds the tree from the parser's events; keeps the limits. The parser stops when an event is
// false.
class TreeBuilder {
 public:
  // The parser asks for these; ours are checked in Add, so that one limit covers all containers.
  // NOLINTBEGIN(readability-identifier-naming): the parser asks for these names.
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = static_cast<size_t>(-1);
  // NOLINTEND(readability-identifier-naming): they end here.
  using Error = boost::json::error_code;
  using Text = boost::json::string_view;

  void set_limits(const JsonLimits& limits) { limits_ = limits; }
  Refusal refusal() const { return refusal_; }
  JsonValue TakeRoot() { return std::move(root_); }

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) {
    open_.emplace_back(Frame{.is_object = true});
    return true;
  }
  bool on_array_begin(Error&) {
    open_.emplace_back(Frame{.is_object = false});
    return true;
  }
  bool on_object_end(size_t, Error& error) {
    Frame frame = std::move(open_.back());
    open_.pop_back();
    if (HasDuplicateKey(frame.members)) return Refuse(Refusal::kDuplicateKey, error);
    frame.members.shrink_to_fit();
    return Add(JsonValue(std::move(frame.members)), error);
  }
  bool on_array_end(size_t, Error& error) {
    Frame frame = std::move(open_.back());
    open_.pop_back();
    frame.elements.shrink_to_fit();
    return Add(JsonValue(std::move(frame.elements)), error);
  }
  bool on_key_part(Text part, size_t, Error&) { return Append(part); }
  bool on_key(Text part, size_t, Error& error) {
    Append(part);
    if (++members_ > limits_.members) return Refuse(Refusal::kTooMany, error);
    open_.back().members.emplace_back().first = std::move(text_);
    text_.clear();
    return true;
  }
  bool on_string_part(Text part, size_t, Error&) { return Append(part); }
  bool on_string(Text part, size_t, Error& error) {
    Append(part);
    JsonValue value(std::move(text_));
    text_.clear();
    return Add(std::move(value), error);
  }
  bool on_number_part(Text part, Error&) { return Append(part); }
  bool on_int64(int64_t, Text part, Error& error) { return AddNumber(part, error); }
  bool on_uint64(uint64_t, Text part, Error& error) { return AddNumber(part, error); }
  bool on_double(double, Text part, Error& error) { return AddNumber(part, error); }
  bool on_bool(bool value, Error& error) { return Add(JsonValue(value), error); }
  bool on_null(Error& error) { return Add(JsonValue(), error); }
  bool on_comment_part(Text, Error&) { return true; }
  bool on_comment(Text, Error&) { return true; }

 private:
  struct Frame {
    bool is_object = false;
    JsonValue::Object members;
    JsonValue::Array elements;
  };

  bool Append(Text part) {
    text_.append(part.data(), part.size());
    return true;
  }

  bool Refuse(Refusal refusal, Error& error) {
    refusal_ = refusal;
    error = boost::json::error::syntax;
    return false;
  }

  bool Add(JsonValue value, Error& error) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().is_object) {
      open_.back().members.back().second = std::move(value);
    } else {
      if (++elements_ > limits_.elements) return Refuse(Refusal::kTooMany, error);
      open_.back().elements.push_back(std::move(value));
    }
    return true;
  }

  // Reads the text itself: the library rounds doubly and lets 1e999 pass.
  bool AddNumber(Text part, Error& error) {
    Append(part);
    const std::string digits = std::move(text_);
    text_.clear();
    if (digits.size() > limits_.number_length) return Refuse(Refusal::kNumber, error);
    JsonNumber number;
    const char* const end = digits.data() + digits.size();
    if (std::from_chars(digits.data(), end, number.real).ec != std::errc()) {
      return Refuse(Refusal::kNumber, error);
    }
    if (number.real == 0 && HasSignificantDigit(digits)) return Refuse(Refusal::kNumber, error);
    number.negative = digits.front() == '-';
    const auto whole =
        std::from_chars(digits.data() + (number.negative ? 1 : 0), end, number.magnitude);
    number.integral = whole.ec == std::errc() && whole.ptr == end;
    return Add(JsonValue(number), error);
  }

  static bool HasSignificantDigit(std::string_view digits) {
    return digits.substr(0, digits.find_first_of("eE")).find_first_of("123456789") !=
           std::string_view::npos;
  }

  static bool HasDuplicateKey(const JsonValue::Object& members) {
    std::vector<std::string_view> keys;
    keys.reserve(members.size());
    for (const auto& [key, value] : members) keys.push_back(key);
    std::sort(keys.begin(), keys.end());
    return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
  }

  JsonLimits limits_;
  Refusal refusal_ = Refusal::kNone;
  size_t members_ = 0;
  size_t elements_ = 0;
  std::string text_;  // of the key, string or number that is being read
  std::vector<Frame> open_;
  JsonValue root_;
};

Status RefusalStatus(Refusal refusal, const JsonLimits& limits,
                     const boost::json::error_code& error) {
  switch (refusal) {
    case Refusal::kDuplicateKey:
      return BadField("", "duplicate_key", "the request body holds an object with a key twice");
    case Refusal::kTooMany:
      return BadField("", "invalid_json",
                      "the request body holds more than " + std::to_string(limits.members) +
                          " members or " + std::to_string(limits.elements) + " array elements");
    case Refusal::kNumber:
      return BadField("", "invalid_json", "the request body holds a number that is out of range");
    case Refusal::kNone:
      break;
  }
  if (error == boost::json::error::too_deep) {
    return BadField("", "invalid_json",
                    "the request body is nested deeper than " + std::to_string(limits.depth));
  }
  return BadField("", "invalid_json", "the request body is not one valid JSON document");
}

}  // namespace

const char* JsonValue::TypeName() const {
  static constexpr const char* kNames[] = {"null",     "a boolean", "a number",
                                           "a string", "an array",  "an object"};
  return kNames[value_.index()];
}

const JsonValue* JsonValue::Find(std::string_view key) const {
  const Object* const object = AsObject();
  if (object == nullptr) return nullptr;
  for (const auto& [name, value] : *object) {
    if (name == key) return &value;
  }
  return nullptr;
}

StatusOr<JsonValue> ParseJson(std::string_view text, const JsonLimits& limits) {
  boost::json::parse_options options;
  options.max_depth = limits.depth;
  boost::json::basic_parser<TreeBuilder> parser(options);
  parser.handler().set_limits(limits);
  boost::json::error_code error;
  const size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (error || !parser.done()) {
    return RefusalStatus(parser.handler().refusal(), limits, error);
  }
  if (text.find_first_not_of(" \t\r\n", used) != std::string_view::npos) {
    return BadField("", "invalid_json", "the request body goes on after its JSON document");
  }
  return parser.handler().TakeRoot();
}

}  // namespace windrose::router
