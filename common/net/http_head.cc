#include "common/net/http_head.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <utility>

#include "absl/time/time.h"
#include "common/net/http_characters.h"

namespace windrose {
namespace {

namespace http = boost::beast::http;

// What the server writes itself.
bool IsServersField(std::string_view name) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "content-length", "transfer-encoding",      "connection", "date",
      "x-request-id",   "x-content-type-options", "server"};
  for (const std::string_view own : kNames) {
    if (EqualsIgnoreCase(name, own)) return true;
  }
  return false;
}

template <typename Text>
std::string ToString(const Text& text) {
  return std::string(text.data(), text.size());
}

}  // namespace

bool ParseHttpHead(std::string_view head, HttpRequest& request) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(static_cast<uint32_t>(head.size() + 1));
  parser.skip(true);
  boost::system::error_code error;
  const size_t used = parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error || used != head.size() || !parser.is_header_done()) return false;
  request.method = ToString(parser.get().method_string());
  request.fields.clear();
  for (const auto& field : parser.get()) {
    request.fields.push_back({ToLowerHttp(ToString(field.name_string())), ToString(field.value())});
  }
  return true;
}

std::string HttpDate(int64_t unix_seconds) {
  return absl::FormatTime("%a, %d %b %E4Y %H:%M:%S GMT", absl::FromUnixSeconds(unix_seconds),
                          absl::UTCTimeZone());
}

std::optional<std::string> FormatHttpHead(int status, const std::vector<HttpField>& fields,
                                          const HttpHeadOrigin& origin,
                                          const HttpHeadEnding& ending) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head += HttpReason(status);
  head += "\r\n";
  for (const HttpField& field : fields) {
    if (IsServersField(field.name)) continue;
    if (!IsSendableField(field)) return std::nullopt;
    head += field.name + ": " + field.value + "\r\n";
  }
  head += "Date: " + HttpDate(origin.unix_seconds) + "\r\n";
  head += "X-Request-Id: " + origin.request_id + "\r\nX-Content-Type-Options: nosniff\r\n";
  if (ending.content_length.has_value()) {
    head += "Content-Length: " + std::to_string(*ending.content_length) + "\r\n";
  }
  if (ending.chunked) head += "Transfer-Encoding: chunked\r\n";
  if (ending.close) head += "Connection: close\r\n";
  head += "\r\n";
  return head;
}

std::string FormatHttpRefusal(const HttpRefusal& refusal, const HttpHeadOrigin& origin) {
  const std::string body =
      HttpErrorBody(refusal.message,
                    refusal.status >= 500 ? "server_error" : "invalid_request_error", refusal.code);
  std::vector<HttpField> fields = {{"Content-Type", "application/json"},
                                   {"Cache-Control", "no-store"}};
  if (refusal.status == 405) fields.push_back({"Allow", "GET, HEAD, POST, DELETE, OPTIONS"});
  if (refusal.status == 503) fields.push_back({"Retry-After", "1"});
  HttpHeadEnding ending;
  ending.content_length = body.size();
  ending.close = true;
  return FormatHttpHead(refusal.status, fields, origin, ending).value_or("") + body;
}

bool HasHttpBody(int status) { return status >= 200 && status != 204 && status != 304; }

bool IsHarmlessRequestId(std::string_view id) {
  constexpr size_t kLongest = 128;
  if (id.empty() || id.size() > kLongest) return false;
  for (const char byte : id) {
    const bool allowed =
        IsHttpAlphanumeric(byte) || byte == '-' || byte == '_' || byte == '.' || byte == ':';
    if (!allowed) return false;
  }
  return true;
}

}  // namespace windrose
