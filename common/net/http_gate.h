// HttpGate: decides on the bytes of a request head how the message is framed, or refuses it.
//
// It stands in front of Beast, which accepts messages that RFC 9112 says to refuse. Pure: no I/O,
// no clock, and no memory of its own; the caller keeps the bytes and shows them again with more at
// the end, the gate remembers how far it has looked, so the cost is linear. What is refused closes
// the connection: after it nothing can be said about where the next request begins.
//
//   head  = method SP target SP version CRLF *( name ":" OWS value CRLF ) CRLF
//
// Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/time.h"

namespace windrose {

// Every limit of the HTTP server. Plain values; docs/configuration.md lists them.
struct HttpLimits {
  size_t head_bytes = 16 * 1024;        // request line and fields together
  size_t field_count = 64;              //
  size_t target_bytes = 4096;           //
  uint64_t body_bytes = 1024 * 1024;    // decoded; chunked raw bytes may be twice this
  Duration head_timeout = Seconds(10);  // from the first byte of a request to the end of its head
  Duration body_timeout = Seconds(60);  // from the head to the end of the body, at most
  Duration body_grace = Seconds(10);    // after which the body must have the minimum rate
  uint64_t body_bytes_per_second = 8 * 1024;  // the minimum rate
  Duration idle_timeout = Seconds(60);        // between two requests of a connection
  Duration write_timeout = Seconds(30);       // for one buffer-full to leave
  size_t requests_per_connection = 1000;
  size_t connections_per_address = 64;
  size_t connections = 1024;                // never more than half of the descriptor limit
  size_t stream_buffer_bytes = 256 * 1024;  // of one streamed response
};

enum class HttpFraming { kNone, kContentLength, kChunked };

// Why a message is refused. The texts are constants: nothing of the input is echoed.
struct HttpRefusal {
  int status = 400;
  const char* code = "";     // for machines: "bad_request", …
  const char* message = "";  // for people
};

// What the gate found in a head that it lets through.
struct HttpHead {
  size_t head_bytes = 0;  // up to and with the empty line
  HttpFraming framing = HttpFraming::kNone;
  uint64_t content_length = 0;    // with kContentLength
  bool keep_alive = true;         // the client's wish, by version and Connection
  bool expects_continue = false;  // Expect: 100-continue
  bool is_http_1_0 = false;
  std::string path;   // decoded once
  std::string query;  // raw
};

class HttpGate {
 public:
  enum class Verdict { kNeedMore, kHead, kRefused };

  explicit HttpGate(const HttpLimits& limits) : limits_(limits) {}

  // `bytes` is all of the message so far, from its first byte; each call shows at least what the
  // last one showed. With kNeedMore, `bytes` is shorter than limits.head_bytes.
  Verdict Examine(std::string_view bytes);

  const HttpHead& head() const { return head_; }           // after kHead
  const HttpRefusal& refusal() const { return refusal_; }  // after kRefused
  // Whether a whole request line was seen: it tells a slow client from a silent one.
  bool saw_request_line() const { return line_count_ > 0; }

  // Ready for the next message of the connection.
  void Reset();

 private:
  Verdict Refuse(int status, const char* code, const char* message);
  Verdict OnLimit();
  Verdict OnLine(std::string_view line);
  Verdict OnRequestLine(std::string_view line);
  Verdict OnTarget(std::string_view target);
  Verdict OnVersion(std::string_view version);
  Verdict OnField(std::string_view line);
  Verdict OnKnownField(std::string_view name, std::string_view value);
  Verdict OnContentLength(std::string_view value);
  Verdict OnTransferEncoding(std::string_view value);
  Verdict OnHost(std::string_view value);
  Verdict OnHeadEnd(size_t head_bytes);

  HttpLimits limits_;
  size_t scanned_ = 0;     // bytes looked at
  size_t line_begin_ = 0;  // of the line that is being read
  size_t line_count_ = 0;
  bool saw_content_length_ = false;
  bool saw_transfer_encoding_ = false;
  bool saw_host_ = false;
  bool asked_close_ = false;
  std::string authority_;  // of an absolute-form target
  std::string host_;
  HttpHead head_;
  HttpRefusal refusal_;
};

// Decodes a percent-encoded path once, or nullopt when it is hostile: bad or control escapes,
// "%25", backslash, non-ASCII, empty or dot segments. An encoded slash stays "%2F".
std::optional<std::string> DecodeHttpPath(std::string_view raw);

}  // namespace windrose
