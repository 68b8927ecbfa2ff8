#include "common/net/chunked_decoder.h"

#include <algorithm>

#include "common/net/http_characters.h"

namespace windrose {
namespace {

constexpr uint32_t kLongestSize = 8;  // hexadecimal digits

}  // namespace

ChunkedDecoder::Verdict ChunkedDecoder::Decode(std::string_view bytes, size_t& consumed,
                                               std::string& body) {
  consumed = 0;
  if (state_ == State::kDone) return Verdict::kDone;
  while (consumed < bytes.size()) {
    // Extensions and tiny chunks cost raw bytes that no body limit counts.
    if (raw_bytes_ >= 2 * limits_.body_bytes + limits_.head_bytes) {
      return Refuse(413, "request_too_large", "the chunked body is too large on the wire");
    }
    if (state_ == State::kData) {
      const uint64_t room = 2 * limits_.body_bytes + limits_.head_bytes - raw_bytes_;
      const uint64_t count = std::min({chunk_left_, uint64_t{bytes.size() - consumed}, room});
      body.append(bytes.substr(consumed, count));
      consumed += count;
      raw_bytes_ += count;
      chunk_left_ -= count;
      if (chunk_left_ == 0) state_ = State::kDataReturn;
      continue;
    }
    const Verdict verdict = OnByte(bytes[consumed]);
    ++consumed;
    ++raw_bytes_;
    if (verdict != Verdict::kNeedMore) return verdict;
  }
  return Verdict::kNeedMore;
}

ChunkedDecoder::Verdict ChunkedDecoder::OnByte(char byte) {
  switch (state_) {
    case State::kSize:
      return OnSizeByte(byte);
    case State::kExtension:
      return OnExtensionByte(byte);
    case State::kSizeLineFeed:
      return OnSizeEnd(byte);
    case State::kDataReturn:
      return Expect(byte, '\r', State::kDataLineFeed);
    case State::kDataLineFeed:
      return Expect(byte, '\n', State::kSize);
    case State::kTrailerBegin:
    case State::kTrailer:
      return OnTrailerByte(byte);
    case State::kTrailerLineFeed:
      return Expect(byte, '\n', State::kTrailerBegin);
    case State::kLastLineFeed: {
      const Verdict verdict = Expect(byte, '\n', State::kDone);
      return verdict == Verdict::kNeedMore ? Verdict::kDone : verdict;
    }
    case State::kData:
    case State::kDone:
      break;
  }
  return Refuse(400, "bad_request", "the chunked body is malformed");
}

ChunkedDecoder::Verdict ChunkedDecoder::OnSizeByte(char byte) {
  const int digit = HexValue(byte);
  if (digit >= 0) {
    if (++size_digits_ > kLongestSize) {
      return Refuse(400, "bad_request", "a chunk size is out of range");
    }
    chunk_left_ = chunk_left_ * 16 + static_cast<uint64_t>(digit);
    return Verdict::kNeedMore;
  }
  if (size_digits_ == 0) return Refuse(400, "bad_request", "a chunk has no size");
  if (byte == ';') {
    state_ = State::kExtension;
    return Verdict::kNeedMore;
  }
  return Expect(byte, '\r', State::kSizeLineFeed);
}

ChunkedDecoder::Verdict ChunkedDecoder::OnExtensionByte(char byte) {
  if (byte == '\r') {
    state_ = State::kSizeLineFeed;
    return Verdict::kNeedMore;
  }
  if (IsHttpControl(byte) && byte != '\t') {
    return Refuse(400, "bad_request", "a chunk extension holds a control byte");
  }
  return Verdict::kNeedMore;
}

ChunkedDecoder::Verdict ChunkedDecoder::OnSizeEnd(char byte) {
  size_digits_ = 0;
  if (chunk_left_ == 0) return Expect(byte, '\n', State::kTrailerBegin);
  if (chunk_left_ > limits_.body_bytes - body_bytes_) {
    return Refuse(413, "request_too_large", "the request body is too large");
  }
  body_bytes_ += chunk_left_;
  return Expect(byte, '\n', State::kData);
}

ChunkedDecoder::Verdict ChunkedDecoder::OnTrailerByte(char byte) {
  if (++trailer_bytes_ > limits_.head_bytes) {
    return Refuse(431, "header_fields_too_large", "the trailers are too large");
  }
  if (byte == '\r') {
    state_ = state_ == State::kTrailerBegin ? State::kLastLineFeed : State::kTrailerLineFeed;
    return Verdict::kNeedMore;
  }
  const bool bad_begin = state_ == State::kTrailerBegin && !IsHttpTokenByte(byte);
  if (bad_begin || (IsHttpControl(byte) && byte != '\t')) {
    return Refuse(400, "bad_request", "a trailer is malformed");
  }
  state_ = State::kTrailer;
  return Verdict::kNeedMore;
}

ChunkedDecoder::Verdict ChunkedDecoder::Expect(char byte, char wanted, State next) {
  if (byte != wanted) return Refuse(400, "bad_request", "the chunked body is malformed");
  state_ = next;
  return Verdict::kNeedMore;
}

ChunkedDecoder::Verdict ChunkedDecoder::Refuse(int status, const char* code, const char* message) {
  refusal_ = {status, code, message};
  return Verdict::kRefused;
}

}  // namespace windrose
