#include "common/net/http_gate.h"

#include <algorithm>
#include <array>

#include "common/net/http_characters.h"

namespace windrose {
namespace {

constexpr size_t kLongestMethod = 16;
constexpr size_t kRequestLineExtra = 32;  // method, spaces and version
constexpr size_t kLongestHost = 255;
constexpr size_t kLongestContentLength = 19;  // digits of the largest number that cannot overflow

constexpr std::array<std::string_view, 7> kMethods = {"GET",   "HEAD",   "POST",   "PUT",
                                                      "PATCH", "DELETE", "OPTIONS"};

bool IsKnownMethod(std::string_view method) {
  for (const std::string_view known : kMethods) {
    if (method == known) return true;
  }
  return false;
}

bool IsTargetText(std::string_view text) {
  for (const char byte : text) {
    if (byte <= ' ' || byte >= 0x7f || byte == '\\' || byte == '#') return false;
  }
  return true;
}

bool IsHostText(std::string_view host) {
  if (host.empty() || host.size() > kLongestHost) return false;
  for (const char byte : host) {
    const bool allowed = IsHttpAlphanumeric(byte) || byte == '.' || byte == '-' || byte == '_' ||
                         byte == ':' || byte == '[' || byte == ']';
    if (!allowed) return false;
  }
  return true;
}

// Whether one of the comma-separated tokens of `list` is `token`, in any case.
bool HasToken(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    if (EqualsIgnoreCase(TrimHttpSpace(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

HttpGate::Verdict HttpGate::Examine(std::string_view bytes) {
  while (scanned_ < bytes.size()) {
    if (scanned_ >= limits_.head_bytes) return OnLimit();
    const size_t line_bytes = scanned_ - line_begin_;
    if (line_count_ == 0 && line_bytes > limits_.target_bytes + kRequestLineExtra) {
      return Refuse(414, "uri_too_long", "the request line is too long");
    }
    if (line_count_ == 0 && line_bytes == kLongestMethod + 1 &&
        bytes.substr(0, line_bytes).find(' ') == std::string_view::npos) {
      return Refuse(400, "bad_request", "the request does not begin with a method");
    }
    const char byte = bytes[scanned_];
    const bool after_return = line_bytes > 0 && bytes[scanned_ - 1] == '\r';
    if (after_return != (byte == '\n')) {
      return Refuse(400, "bad_request", "lines must end with CR LF and hold neither inside");
    }
    ++scanned_;
    if (byte == '\n') {
      const std::string_view line = bytes.substr(line_begin_, line_bytes - 1);
      line_begin_ = scanned_;
      if (line.empty() && line_count_ > 0) return OnHeadEnd(scanned_);
      if (OnLine(line) == Verdict::kRefused) return Verdict::kRefused;
    } else if (IsHttpControl(byte) && byte != '\r' && byte != '\t') {
      return Refuse(400, "bad_request", "control bytes are not allowed in a request head");
    }
  }
  return scanned_ >= limits_.head_bytes ? OnLimit() : Verdict::kNeedMore;
}

void HttpGate::Reset() { *this = HttpGate(limits_); }

HttpGate::Verdict HttpGate::Refuse(int status, const char* code, const char* message) {
  refusal_ = {status, code, message};
  return Verdict::kRefused;
}

HttpGate::Verdict HttpGate::OnLimit() {
  return Refuse(431, "header_fields_too_large", "the request head is too large");
}

HttpGate::Verdict HttpGate::OnLine(std::string_view line) {
  ++line_count_;
  if (line_count_ == 1) return OnRequestLine(line);
  if (line_count_ - 1 > limits_.field_count) {
    return Refuse(431, "header_fields_too_large", "the request has too many header fields");
  }
  return OnField(line);
}

HttpGate::Verdict HttpGate::OnRequestLine(std::string_view line) {
  const size_t first_space = line.find(' ');
  const size_t last_space = line.rfind(' ');
  if (first_space == std::string_view::npos || first_space == last_space) {
    return Refuse(400, "bad_request", "the request line must be: method, target, version");
  }
  const std::string_view method = line.substr(0, first_space);
  const std::string_view target = line.substr(first_space + 1, last_space - first_space - 1);
  if (!IsHttpToken(method) || method.size() > kLongestMethod) {
    return Refuse(400, "bad_request", "the method is not a token");
  }
  if (OnVersion(line.substr(last_space + 1)) == Verdict::kRefused) return Verdict::kRefused;
  if (!IsKnownMethod(method)) {
    return Refuse(405, "method_not_allowed", "the method is not supported");
  }
  return OnTarget(target);
}

HttpGate::Verdict HttpGate::OnVersion(std::string_view version) {
  const bool is_version = version.size() == 8 && version.substr(0, 5) == "HTTP/" &&
                          IsHttpDigit(version[5]) && version[6] == '.' && IsHttpDigit(version[7]);
  if (!is_version) return Refuse(400, "bad_request", "the protocol version is malformed");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return Refuse(505, "http_version_not_supported", "only HTTP/1.1 and HTTP/1.0 are served here");
  }
  head_.is_http_1_0 = version == "HTTP/1.0";
  return Verdict::kNeedMore;
}

HttpGate::Verdict HttpGate::OnTarget(std::string_view target) {
  if (target.size() > limits_.target_bytes) {
    return Refuse(414, "uri_too_long", "the request target is too long");
  }
  if (!IsTargetText(target)) {
    return Refuse(400, "bad_request", "the request target holds a byte that it must not");
  }
  constexpr std::string_view kScheme = "http://";
  if (EqualsIgnoreCase(target.substr(0, kScheme.size()), kScheme)) {
    target.remove_prefix(kScheme.size());
    const size_t authority_end = std::min(target.find_first_of("/?"), target.size());
    authority_ = ToLowerHttp(target.substr(0, authority_end));
    if (authority_.empty()) return Refuse(400, "bad_request", "the request target has no host");
    target.remove_prefix(authority_end);
  }
  const size_t question = target.find('?');
  const std::string_view raw_path = target.substr(0, question);
  const bool is_root = raw_path.empty() && !authority_.empty();
  std::optional<std::string> path = DecodeHttpPath(is_root ? "/" : raw_path);
  if (!path.has_value()) {
    return Refuse(400, "bad_request", "the request path is not a plain path");
  }
  head_.path = *std::move(path);
  if (question != std::string_view::npos) head_.query = target.substr(question + 1);
  return Verdict::kNeedMore;
}

HttpGate::Verdict HttpGate::OnField(std::string_view line) {
  const size_t colon = line.find(':');
  // A line that begins with a space continues the one before: obsolete, and a way to hide a field.
  if (colon == std::string_view::npos) {
    return Refuse(400, "bad_request", "a header line has no colon");
  }
  const std::string_view name = line.substr(0, colon);
  // Gateways that map '_' to '-' would see another field than we do.
  if (!IsHttpToken(name) || name.find('_') != std::string_view::npos) {
    return Refuse(400, "bad_request", "a header name is malformed");
  }
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && IsHttpSpace(value.front())) value.remove_prefix(1);
  return OnKnownField(ToLowerHttp(name), value);
}

HttpGate::Verdict HttpGate::OnKnownField(std::string_view name, std::string_view value) {
  if (name == "content-length") return OnContentLength(value);
  if (name == "transfer-encoding") return OnTransferEncoding(value);
  if (name == "host") return OnHost(value);
  if (name == "connection") {
    if (HasToken(value, "close")) asked_close_ = true;
  } else if (name == "expect") {
    if (!EqualsIgnoreCase(TrimHttpSpace(value), "100-continue")) {
      return Refuse(417, "expectation_failed", "the only expectation is 100-continue");
    }
    head_.expects_continue = true;
  } else if (name == "content-encoding") {
    if (!EqualsIgnoreCase(TrimHttpSpace(value), "identity")) {
      return Refuse(415, "unsupported_media_type", "compressed bodies are not accepted");
    }
  }
  return Verdict::kNeedMore;
}

HttpGate::Verdict HttpGate::OnContentLength(std::string_view value) {
  if (saw_content_length_) return Refuse(400, "bad_request", "Content-Length is given twice");
  saw_content_length_ = true;
  if (value.empty() || value.size() > kLongestContentLength) {
    return Refuse(400, "bad_request", "Content-Length is not a number in range");
  }
  uint64_t length = 0;
  for (const char byte : value) {
    if (!IsHttpDigit(byte)) return Refuse(400, "bad_request", "Content-Length is not a number");
    length = length * 10 + static_cast<uint64_t>(byte - '0');
  }
  head_.content_length = length;
  return Verdict::kNeedMore;
}

HttpGate::Verdict HttpGate::OnTransferEncoding(std::string_view value) {
  if (saw_transfer_encoding_) return Refuse(400, "bad_request", "Transfer-Encoding is given twice");
  saw_transfer_encoding_ = true;
  if (EqualsIgnoreCase(value, "chunked")) return Verdict::kNeedMore;
  if (value.empty() || EqualsIgnoreCase(value, "identity")) {
    return Refuse(400, "bad_request", "Transfer-Encoding must be chunked");
  }
  return Refuse(501, "not_implemented", "the only transfer coding is chunked");
}

HttpGate::Verdict HttpGate::OnHost(std::string_view value) {
  if (saw_host_) return Refuse(400, "bad_request", "Host is given twice");
  saw_host_ = true;
  const std::string_view host = TrimHttpSpace(value);
  if (!IsHostText(host)) return Refuse(400, "bad_request", "Host is not a host and port");
  host_ = ToLowerHttp(host);
  return Verdict::kNeedMore;
}

HttpGate::Verdict HttpGate::OnHeadEnd(size_t head_bytes) {
  if (!saw_host_ && !head_.is_http_1_0) return Refuse(400, "bad_request", "Host is missing");
  if (!authority_.empty() && authority_ != host_) {
    return Refuse(400, "bad_request", "the request target names another host");
  }
  if (saw_transfer_encoding_ && (saw_content_length_ || head_.is_http_1_0)) {
    return Refuse(400, "bad_request", "the body's framing is ambiguous");
  }
  if (saw_content_length_ && head_.content_length > limits_.body_bytes) {
    return Refuse(413, "request_too_large", "the request body is too large");
  }
  head_.head_bytes = head_bytes;
  head_.keep_alive = !asked_close_ && !head_.is_http_1_0;
  if (head_.is_http_1_0) head_.expects_continue = false;
  if (saw_transfer_encoding_) {
    head_.framing = HttpFraming::kChunked;
  } else if (saw_content_length_) {
    head_.framing = HttpFraming::kContentLength;
  }
  return Verdict::kHead;
}

}  // namespace windrose
