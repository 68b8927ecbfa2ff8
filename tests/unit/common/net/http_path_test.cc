#include <gtest/gtest.h>

#include <string>

#include "common/net/http_gate.h"

namespace windrose {
namespace {

TEST(HttpPath, DecodesOnce) {
  EXPECT_EQ(DecodeHttpPath("/"), "/");
  EXPECT_EQ(DecodeHttpPath("/v1/models/%7Euser"), "/v1/models/~user");
  EXPECT_EQ(DecodeHttpPath("/%41%62%2d"), "/Ab-");
  EXPECT_EQ(DecodeHttpPath("/..."), "/...");
}

TEST(HttpPath, KeepsAnEncodedSlashInItsSegment) {
  EXPECT_EQ(DecodeHttpPath("/v1/models/mistralai%2fMixtral"), "/v1/models/mistralai%2FMixtral");
  EXPECT_EQ(DecodeHttpPath("/a%2F%2Fb"), "/a%2F%2Fb");
}

TEST(HttpPath, RefusesEveryControlByteHoweverWritten) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (int byte = 0; byte < 256; ++byte) {
    const std::string escape = {'/', '%', kDigits[byte / 16], kDigits[byte % 16]};
    const bool plain = byte > ' ' && byte < 0x7f && byte != '\\' && byte != '%' && byte != '.';
    EXPECT_EQ(DecodeHttpPath(escape).has_value(), plain) << escape;
    const std::string raw = {'/', 'a', static_cast<char>(byte)};
    const bool raw_plain = byte > ' ' && byte < 0x7f && byte != '\\' && byte != '%';
    EXPECT_EQ(DecodeHttpPath(raw).has_value(), raw_plain) << byte;
  }
}

TEST(HttpPath, RefusesDotAndEmptySegments) {
  for (const char* path : {"", "a", "/.", "/..", "/./a", "/a/..", "/a/../b", "//", "/a//", "/%2e",
                           "/.%2e", "/%2E%2E/a", "/a%2f..", "/a%2f.%2fb", "/%2f%2e%2e%2f"}) {
    EXPECT_FALSE(DecodeHttpPath(path).has_value()) << path;
  }
}

}  // namespace
}  // namespace windrose
