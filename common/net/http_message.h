// HttpRequest and HttpResponse: what handlers see of HTTP, free of any library. Values.
//
// A request that reaches a handler has passed the gate (http_gate.h): its framing was unambiguous,
// its path is decoded once and holds no dot segment, no empty segment, no control byte and no
// backslash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windrose {

// One header field. Names of requests are lower case; names of responses are sent as given.
struct HttpField {
  std::string name;
  std::string value;
};

struct HttpRequest {
  std::string id;      // the client's X-Request-Id when it is harmless, else one of our own
  std::string method;  // GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS
  std::string path;    // "/v1/models"; an encoded slash inside a segment stays "%2F"
  std::string query;   // raw, what stands after '?'
  std::vector<HttpField> fields;
  std::string body;
  std::string peer_address;  // of the socket; X-Forwarded-For is never looked at
  uint16_t peer_port = 0;

  // The value of the first field called `lower_case_name`; nullptr when there is none.
  const std::string* Field(std::string_view lower_case_name) const;
  // How many fields are called `lower_case_name`.
  size_t FieldCount(std::string_view lower_case_name) const;
};

// Content-Length, Transfer-Encoding, Connection, Date, X-Request-Id and X-Content-Type-Options are
// the server's to write: fields of these names are dropped.
struct HttpResponse {
  int status = 200;
  std::vector<HttpField> fields;
  std::string body;
};

// The decoded value of `name` in a raw query; "" for a bare name; nullopt when absent or
// ill-encoded.
std::optional<std::string> QueryValue(std::string_view query, std::string_view name);

// Whether a Content-Type value says JSON in UTF-8: application/json, charset absent or utf-8.
bool IsJsonContentType(std::string_view value);

// "Not Found" for 404; "Unknown" for what we never send.
std::string_view HttpReason(int status);

// Appends `text` as a JSON string. Bytes from 0x80 are passed on as they are.
void AppendJsonString(std::string_view text, std::string& out);

// The error body of the public API: {"error":{"message":…,"type":…,"param":null,"code":…}},
// escaped.
std::string HttpErrorBody(std::string_view message, std::string_view type, std::string_view code);

// Whether a field can be sent: a token as name; no CR, LF, NUL or other control byte in the value.
bool IsSendableField(const HttpField& field);

}  // namespace windrose
