#include "common/net/chunked_decoder.h"

#include <gtest/gtest.h>

#include <string>

namespace windrose {
namespace {

using Verdict = ChunkedDecoder::Verdict;

struct Outcome {
  int status = 0;  // 0: needs more; 200: done; else refused
  std::string body;
  size_t consumed = 0;
  bool operator==(const Outcome&) const = default;
};

// Decodes `bytes` given in pieces of `piece` bytes.
Outcome DecodeInPieces(const std::string& bytes, size_t piece, const HttpLimits& limits) {
  ChunkedDecoder decoder(limits);
  Outcome outcome;
  for (size_t begin = 0; begin < bytes.size(); begin += piece) {
    size_t consumed = 0;
    const Verdict verdict =
        decoder.Decode(std::string_view(bytes).substr(begin, piece), consumed, outcome.body);
    outcome.consumed += consumed;
    if (verdict == Verdict::kDone) outcome.status = 200;
    if (verdict == Verdict::kRefused) outcome.status = decoder.refusal().status;
    if (outcome.status != 0) break;
  }
  return outcome;
}

// The same for pieces of every size.
Outcome Decode(const std::string& bytes, const HttpLimits& limits = {}) {
  const Outcome whole = DecodeInPieces(bytes, bytes.size() + 1, limits);
  const size_t largest = bytes.size() > 2000 ? 3 : bytes.size();
  for (size_t piece = 1; piece <= largest; ++piece) {
    const Outcome pieces = DecodeInPieces(bytes, piece, limits);
    EXPECT_EQ(pieces.status, whole.status) << "pieces of " << piece;
    EXPECT_TRUE(whole.status >= 300 || pieces == whole) << "pieces of " << piece;
  }
  return whole;
}

TEST(ChunkedDecoder, DecodesAndLeavesTheNextRequestAlone) {
  const Outcome outcome = Decode("5\r\nhello\r\n1;name=\"x\"\r\n!\r\n000\r\n\r\nGET /");
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.body, "hello!");
  EXPECT_EQ(outcome.consumed, std::string("5\r\nhello\r\n1;name=\"x\"\r\n!\r\n000\r\n\r\n").size());
}

TEST(ChunkedDecoder, DecodesAnEmptyBodyAndBinaryData) {
  EXPECT_EQ(Decode("0\r\n\r\n").status, 200);
  EXPECT_EQ(Decode(std::string("4\r\n\r\n\0\x80\r\n0\r\n\r\n", 14)).body,
            std::string("\r\n\0\x80", 4));
}

TEST(ChunkedDecoder, RefusesBadSizes) {
  for (const std::string size : {"FFFFFFFFFFFFFFFF", "123456789", "-1", "0x10", "1 0", "", " 1",
                                 "+1", "1 ", "\xC2\xB2", "g"}) {
    EXPECT_EQ(Decode(size + "\r\nabc\r\n0\r\n\r\n").status, 400) << size;
  }
}

TEST(ChunkedDecoder, RefusesBareLineFeeds) {
  EXPECT_EQ(Decode("1\na\r\n0\r\n\r\n").status, 400);
  EXPECT_EQ(Decode("1;a\nb\r\na\r\n0\r\n\r\n").status, 400);
  EXPECT_EQ(Decode("1;a\rb\r\na\r\n0\r\n\r\n").status, 400);
  EXPECT_EQ(Decode("1\r\na\n0\r\n\r\n").status, 400);
  EXPECT_EQ(Decode("1\r\nab\r\n0\r\n\r\n").status, 400) << "data longer than its size";
  EXPECT_EQ(Decode("0\r\nX: y\n\r\n").status, 400);
}

TEST(ChunkedDecoder, RefusesWhatFollowsTheLastChunk) {
  EXPECT_EQ(Decode("0\r\n\rX").status, 400);
  EXPECT_EQ(Decode("0\r\n\nX").status, 400);
  EXPECT_EQ(Decode("0\r\n X: folded\r\n\r\n").status, 400);
  EXPECT_EQ(Decode("0\r\nXX").status, 0) << "could still become a trailer; the deadline ends it";
}

TEST(ChunkedDecoder, DiscardsTrailers) {
  const Outcome outcome =
      Decode("1\r\na\r\n0\r\nAuthorization: Bearer x\r\nContent-Length: 9\r\nHost: b\r\n\r\n");
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.body, "a");
}

TEST(ChunkedDecoder, BoundsTrailers) {
  std::string trailers;
  for (int i = 0; i < 2000; ++i) trailers += "X-Trailer: v\r\n";
  EXPECT_EQ(Decode("0\r\n" + trailers + "\r\n").status, 431);
}

TEST(ChunkedDecoder, BoundsTheBodyBeforeItIsRead) {
  HttpLimits limits;
  limits.body_bytes = 10;
  EXPECT_EQ(Decode("a\r\n0123456789\r\n0\r\n\r\n", limits).status, 200);
  EXPECT_EQ(Decode("5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", limits).status, 200);
  EXPECT_EQ(Decode("b\r\n", limits).status, 413) << "no byte of the data is needed";
  EXPECT_EQ(Decode("5\r\n01234\r\n6\r\n", limits).status, 413);
  EXPECT_EQ(Decode("ffffffff\r\n", limits).status, 413);
}

TEST(ChunkedDecoder, BoundsRawBytes) {
  HttpLimits limits;
  std::string bytes;
  while (bytes.size() < 3 * limits.body_bytes) {
    bytes += "1;" + std::string(4096, 'x') + "\r\na\r\n";
  }
  EXPECT_EQ(Decode(bytes, limits).status, 413);
  std::string tiny;
  while (tiny.size() < 18 * 1024 * 1024) tiny += "1\r\na\r\n";
  EXPECT_EQ(DecodeInPieces(tiny, 65536, limits).status, 413) << "3 MB in chunks of one byte";
}

TEST(ChunkedDecoder, StaysDone) {
  ChunkedDecoder decoder{HttpLimits()};
  std::string body;
  size_t consumed = 0;
  ASSERT_EQ(decoder.Decode("0\r\n\r\n", consumed, body), Verdict::kDone);
  EXPECT_EQ(decoder.Decode("5\r\nhello\r\n", consumed, body), Verdict::kDone);
  EXPECT_EQ(consumed, 0u);
  EXPECT_TRUE(body.empty());
}

}  // namespace
}  // namespace windrose
