#include "common/net/http_message.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/hex.h"
#include "common/net/http_characters.h"

namespace windrose {
namespace {

// Decodes %XX and '+'; nullopt for a bad escape.
std::optional<std::string> DecodeQueryText(std::string_view raw) {
  std::string text;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '+') {
      text += ' ';
    } else if (raw[i] != '%') {
      text += raw[i];
    } else {
      if (i + 2 >= raw.size()) return std::nullopt;
      const int high = HexValue(raw[i + 1]);
      const int low = HexValue(raw[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      text += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return text;
}

}  // namespace

const std::string* HttpRequest::Field(std::string_view lower_case_name) const {
  for (const HttpField& field : fields) {
    if (field.name == lower_case_name) return &field.value;
  }
  return nullptr;
}

size_t HttpRequest::FieldCount(std::string_view lower_case_name) const {
  size_t count = 0;
  for (const HttpField& field : fields) {
    if (field.name == lower_case_name) ++count;
  }
  return count;
}

std::optional<std::string> QueryValue(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name) {
      if (equals == std::string_view::npos) return std::string();
      return DecodeQueryText(pair.substr(equals + 1));
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return std::nullopt;
}

bool IsJsonContentType(std::string_view value) {
  const size_t semicolon = value.find(';');
  if (!EqualsIgnoreCase(TrimHttpSpace(value.substr(0, semicolon)), "application/json"))
    return false;
  if (semicolon == std::string_view::npos) return true;
  const std::string_view parameter = TrimHttpSpace(value.substr(semicolon + 1));
  return parameter.empty() || EqualsIgnoreCase(parameter, "charset=utf-8") ||
         EqualsIgnoreCase(parameter, "charset=\"utf-8\"");
}

std::string_view HttpReason(int status) {
  static constexpr std::array<std::pair<int, std::string_view>, 31> kReasons = {{
      {100, "Continue"},
      {102, "Processing"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  }};
  for (const auto& [known, reason] : kReasons) {
    if (known == status) return reason;
  }
  return "Unknown";
}

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  for (const char byte : text) {
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += byte;
    } else if (IsHttpControl(byte)) {
      out += "\\u" + HexDigits(static_cast<unsigned char>(byte), 4);
    } else {
      out += byte;
    }
  }
  out += '"';
}

std::string HttpErrorBody(std::string_view message, std::string_view type, std::string_view code) {
  std::string body = "{\"error\":{\"message\":";
  AppendJsonString(message, body);
  body += ",\"type\":";
  AppendJsonString(type, body);
  body += ",\"param\":null,\"code\":";
  AppendJsonString(code, body);
  body += "}}\n";
  return body;
}

bool IsSendableField(const HttpField& field) {
  if (!IsHttpToken(field.name)) return false;
  for (const char byte : field.value) {
    if (IsHttpControl(byte) && byte != '\t') return false;
  }
  return true;
}

}  // namespace windrose
