// ChunkedDecoder: decodes a chunked request body strictly, within a budget of raw bytes.
//
//   body    = *( size [ ";" extension ] CRLF data CRLF ) "0" [ ";" extension ] CRLF *( trailer CRLF
//   ) CRLF size    = 1*8HEXDIG
//
// Extensions and trailers are read past and forgotten: they never become fields. A state machine
// over bytes: constant stack, no memory but the body. Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/net/http_gate.h"

namespace windrose {

class ChunkedDecoder {
 public:
  enum class Verdict { kNeedMore, kDone, kRefused };

  explicit ChunkedDecoder(const HttpLimits& limits) : limits_(limits) {}

  // Decodes as much of `bytes` as belongs to the body, appends the data to `body` and sets
  // `consumed`. After kDone the bytes behind `consumed` are the next request's.
  Verdict Decode(std::string_view bytes, size_t& consumed, std::string& body);

  const HttpRefusal& refusal() const { return refusal_; }  // after kRefused
  uint64_t raw_bytes() const { return raw_bytes_; }

 private:
  enum class State {
    kSize,
    kExtension,
    kSizeLineFeed,
    kData,
    kDataReturn,
    kDataLineFeed,
    kTrailerBegin,
    kTrailer,
    kTrailerLineFeed,
    kLastLineFeed,
    kDone
  };

  Verdict OnByte(char byte);
  Verdict OnSizeByte(char byte);
  Verdict OnExtensionByte(char byte);
  Verdict OnSizeEnd(char byte);
  Verdict OnTrailerByte(char byte);
  Verdict Expect(char byte, char wanted, State next);
  Verdict Refuse(int status, const char* code, const char* message);

  const HttpLimits limits_;
  State state_ = State::kSize;
  uint64_t chunk_left_ = 0;
  uint32_t size_digits_ = 0;
  uint64_t body_bytes_ = 0;
  uint64_t raw_bytes_ = 0;
  uint64_t trailer_bytes_ = 0;
  HttpRefusal refusal_;
};

}  // namespace windrose
