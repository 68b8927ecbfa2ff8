// The gate, the chunked decoder and Beast's parser over any bytes: no crash, the same verdict
// however the bytes are split, and whatever the gate lets through is within the limits and parses.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/check.h"
#include "common/net/chunked_decoder.h"
#include "common/net/http_gate.h"
#include "common/net/http_head.h"

namespace windrose {
namespace {

using GateVerdict = HttpGate::Verdict;
using BodyVerdict = ChunkedDecoder::Verdict;

HttpLimits SmallLimits() {
  HttpLimits limits;
  limits.head_bytes = 2048;
  limits.target_bytes = 512;
  limits.body_bytes = 4096;
  return limits;
}

// What a peer could not have meant must not come out of the gate.
void CheckHead(const HttpLimits& limits, const HttpHead& head, std::string_view bytes) {
  CHECK(head.head_bytes <= limits.head_bytes && head.head_bytes <= bytes.size());
  CHECK(head.framing != HttpFraming::kContentLength || head.content_length <= limits.body_bytes);
  CHECK(!head.path.empty() && head.path.front() == '/');
  CHECK(head.path.find("//") == std::string::npos && head.path.find("/../") == std::string::npos);
  for (const char byte : head.path) CHECK(byte > ' ' && byte < 0x7f);
  HttpRequest request;
  if (!ParseHttpHead(bytes.substr(0, head.head_bytes), request)) return;
  CHECK(request.fields.size() <= limits.field_count);
  CHECK(request.FieldCount("content-length") <= 1 && request.FieldCount("host") <= 1);
  CHECK((head.framing == HttpFraming::kChunked) == (request.FieldCount("transfer-encoding") == 1));
}

void DecodeBody(const HttpLimits& limits, std::string_view bytes) {
  std::string whole_body;
  std::string slow_body;
  size_t whole_consumed = 0;
  ChunkedDecoder whole(limits);
  const BodyVerdict expected = whole.Decode(bytes, whole_consumed, whole_body);
  ChunkedDecoder slow(limits);
  BodyVerdict verdict = BodyVerdict::kNeedMore;
  size_t slow_consumed = 0;
  for (size_t i = 0; i < bytes.size() && verdict == BodyVerdict::kNeedMore; ++i) {
    size_t consumed = 0;
    verdict = slow.Decode(bytes.substr(i, 1), consumed, slow_body);
    slow_consumed += consumed;
  }
  CHECK(verdict == expected);
  CHECK(whole_body == slow_body && whole_consumed == slow_consumed);
  CHECK(whole_body.size() <= limits.body_bytes && whole_consumed <= bytes.size());
}

void JudgeBytes(std::string_view bytes) {
  const HttpLimits limits = SmallLimits();
  HttpGate whole(limits);
  const GateVerdict expected = whole.Examine(bytes);
  HttpGate slow(limits);
  GateVerdict verdict = GateVerdict::kNeedMore;
  for (size_t i = 1; i <= bytes.size() && verdict == GateVerdict::kNeedMore; ++i) {
    verdict = slow.Examine(bytes.substr(0, i));
  }
  CHECK(verdict == expected || bytes.empty());
  if (expected == GateVerdict::kRefused) CHECK(whole.refusal().status == slow.refusal().status);
  if (expected == GateVerdict::kNeedMore) CHECK(bytes.size() < limits.head_bytes);
  if (expected != GateVerdict::kHead) return;
  CHECK(whole.head().head_bytes == slow.head().head_bytes);
  CheckHead(limits, whole.head(), bytes);
  if (whole.head().framing == HttpFraming::kChunked) {
    DecodeBody(limits, bytes.substr(whole.head().head_bytes));
  }
}

}  // namespace
}  // namespace windrose

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(data, data + size);
  windrose::JudgeBytes(bytes);
  // The same bytes as a body alone, so that the decoder is reached without a head.
  windrose::DecodeBody(windrose::SmallLimits(), bytes);
  return 0;
}
