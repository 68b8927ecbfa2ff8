// Every row of the framing table that bytes alone decide, at every split of the input.
#include "common/net/http_gate.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace windrose {
namespace {

using Verdict = HttpGate::Verdict;

// What the gate says of `bytes`: 0 for "need more", 200 for a head, else the refusal's status.
// Shown whole, then byte by byte, then in two parts at every place; all must agree.
int Judge(const std::string& bytes, const HttpLimits& limits = {}) {
  const auto status = [](HttpGate& gate, Verdict verdict) {
    if (verdict == Verdict::kNeedMore) return 0;
    return verdict == Verdict::kHead ? 200 : gate.refusal().status;
  };
  HttpGate whole(limits);
  const int expected = status(whole, whole.Examine(bytes));
  HttpGate slow(limits);
  Verdict slow_verdict = Verdict::kNeedMore;
  for (size_t i = 1; i <= bytes.size() && slow_verdict == Verdict::kNeedMore; ++i) {
    slow_verdict = slow.Examine(std::string_view(bytes).substr(0, i));
  }
  EXPECT_EQ(status(slow, slow_verdict), expected) << "byte by byte: " << bytes.substr(0, 200);
  const size_t step = bytes.size() > 1000 ? 97 : 1;
  for (size_t split = 0; split < bytes.size(); split += step) {
    HttpGate halves(limits);
    Verdict verdict = halves.Examine(std::string_view(bytes).substr(0, split));
    if (verdict == Verdict::kNeedMore) verdict = halves.Examine(bytes);
    EXPECT_EQ(status(halves, verdict), expected) << "split at " << split;
  }
  return expected;
}

std::string Post(const std::string& fields) {
  return "POST /v1/completions HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string Get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

std::string GetPathOf(size_t bytes) {
  std::string path(bytes, 'a');
  path.front() = '/';
  return Get(path);
}

struct Case {
  const char* name;
  std::string bytes;
  int status;
};

void ExpectAll(const std::vector<Case>& cases) {
  for (const Case& test : cases) EXPECT_EQ(Judge(test.bytes), test.status) << test.name;
}

TEST(HttpGate, LetsPlainRequestsThrough) {
  ExpectAll({{"get", Get("/v1/models"), 200},
             {"query", Get("/metrics?a=b&c=%20"), 200},
             {"length", Post("Content-Length: 5\r\n"), 200},
             {"no space after the colon", Post("Content-Length:5\r\n"), 200},
             {"chunked", Post("Transfer-Encoding: Chunked\r\n"), 200},
             {"old version", "GET / HTTP/1.0\r\n\r\n", 200},
             {"absolute form", "GET http://A:80/x HTTP/1.1\r\nHost: a:80\r\n\r\n", 200},
             {"absolute form without path", "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", 200},
             {"non-ASCII value", "GET / HTTP/1.1\r\nHost: a\r\nX-Name: h\xC3\xA9\r\n\r\n", 200},
             {"v6 host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200}});
}

TEST(HttpGate, ReportsFramingAndPath) {
  HttpGate gate{HttpLimits()};
  const std::string bytes = Post("Content-Length: 17\r\nExpect: 100-continue\r\n") + "body";
  ASSERT_EQ(gate.Examine(bytes), Verdict::kHead);
  EXPECT_EQ(gate.head().framing, HttpFraming::kContentLength);
  EXPECT_EQ(gate.head().content_length, 17u);
  EXPECT_EQ(gate.head().head_bytes, bytes.size() - 4);
  EXPECT_TRUE(gate.head().expects_continue);
  EXPECT_TRUE(gate.head().keep_alive);
  EXPECT_EQ(gate.head().path, "/v1/completions");

  gate.Reset();
  ASSERT_EQ(gate.Examine("GET http://h/%61%2Fb?q=%41 HTTP/1.0\r\nHost: h\r\n\r\n"), Verdict::kHead);
  EXPECT_EQ(gate.head().framing, HttpFraming::kNone);
  EXPECT_EQ(gate.head().path, "/a%2Fb");
  EXPECT_EQ(gate.head().query, "q=%41");
  EXPECT_FALSE(gate.head().keep_alive);

  gate.Reset();
  ASSERT_EQ(gate.Examine(Post("Connection: x, Close\r\n")), Verdict::kHead);
  EXPECT_FALSE(gate.head().keep_alive);
}

TEST(HttpGate, RefusesAmbiguousFraming) {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::string length = "Content-Length: 5\r\n";
  ExpectAll({{"1: both", Post(length + chunked), 400},
             {"1: both, the other way", Post(chunked + length), 400},
             {"2: gzip", Post("Transfer-Encoding: gzip\r\n"), 501},
             {"3: chunked, gzip", Post("Transfer-Encoding: chunked, gzip\r\n"), 501},
             {"3: gzip, chunked", Post("Transfer-Encoding: gzip, chunked\r\n"), 501},
             {"3: xchunked", Post("Transfer-Encoding: xchunked\r\n"), 501},
             {"3: trailing VT", Post("Transfer-Encoding: chunked\x0b\r\n"), 400},
             {"3: trailing space", Post("Transfer-Encoding: chunked \r\n"), 501},
             {"3: folded", Post("Transfer-Encoding:\r\n chunked\r\n"), 400},
             {"3: twice", Post(chunked + chunked), 400},
             {"3: empty", Post("Transfer-Encoding: \r\n"), 400},
             {"4: identity", Post("Transfer-Encoding: identity\r\n" + length), 400},
             {"5: two lengths", Post(length + "Content-Length: 6\r\n"), 400},
             {"6: two equal lengths", Post(length + length), 400},
             {"6: a list", Post("Content-Length: 5, 5\r\n"), 400},
             {"8: chunked in 1.0",
              "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400}});
}

TEST(HttpGate, RefusesBadContentLengths) {
  for (const std::string value : {"-1", "+5", "0x5", "5 ", "5\t", "18446744073709551616",
                                  "9223372036854775808000", "", "5;", "five", "1e3", "\xD9\xA5"}) {
    EXPECT_EQ(Judge(Post("Content-Length: " + value + "\r\n")), 400) << value;
  }
}

TEST(HttpGate, RefusesBadLinesAndNames) {
  ExpectAll({{"15: bare LF", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
             {"15: bare LF in the fields", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
             {"15: bare CR", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400},
             {"15: NUL", std::string("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 35), 400},
             {"15: control byte", "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400},
             {"15: DEL", "GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n", 400},
             {"15: obs-fold", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400},
             {"15: tab fold", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb: c\r\n\r\n", 400},
             {"16: space before colon", Post("Content-Length : 5\r\n"), 400},
             {"16: empty name", Post(": 5\r\n"), 400},
             {"16: underscore", Post("Content_Length: 5\r\n"), 400},
             {"16: no colon", Post("Content-Length\r\n"), 400},
             {"empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400}});
}

TEST(HttpGate, RefusesBadHosts) {
  const auto with_host = [](const std::string& host) {
    return "GET / HTTP/1.1\r\n" + host + "\r\n";
  };
  ExpectAll({{"17: none", with_host(""), 400},
             {"17: two", with_host("Host: a\r\nHost: a\r\n"), 400},
             {"17: at sign", with_host("Host: u@a\r\n"), 400},
             {"17: space", with_host("Host: a b\r\n"), 400},
             {"17: path", with_host("Host: a/b\r\n"), 400},
             {"17: empty", with_host("Host:\r\n"), 400},
             {"17: long", with_host("Host: " + std::string(256, 'a') + "\r\n"), 400}});
}

TEST(HttpGate, RefusesLargeHeads) {
  const HttpLimits limits;
  std::string fields;
  for (size_t i = 1; i < limits.field_count; ++i) fields += "X-" + std::to_string(i) + ": v\r\n";
  EXPECT_EQ(Judge(Post(fields)), 200) << "64 fields with Host";
  EXPECT_EQ(Judge(Post(fields + "One-More: v\r\n")), 431);

  const size_t used = Post("X: \r\n").size();
  const std::string at_limit = Post("X: " + std::string(limits.head_bytes - used, 'a') + "\r\n");
  EXPECT_EQ(at_limit.size(), limits.head_bytes);
  EXPECT_EQ(Judge(at_limit), 200);
  EXPECT_EQ(Judge(Post("X: " + std::string(limits.head_bytes - used + 1, 'a') + "\r\n")), 431);
}

TEST(HttpGate, RefusesAnEndlessHeaderBeforeItIsReceived) {
  const HttpLimits limits;
  HttpGate gate(limits);
  const std::string begin = "GET / HTTP/1.1\r\nX: ";
  const std::string endless = begin + std::string(limits.head_bytes - begin.size(), 'a');
  EXPECT_EQ(gate.Examine(endless), Verdict::kRefused) << "no byte beyond the limit is needed";
  EXPECT_EQ(gate.refusal().status, 431);
}

TEST(HttpGate, RefusesHostileTargets) {
  const HttpLimits limits;
  ExpectAll({{"19: at the limit", GetPathOf(limits.target_bytes), 200},
             {"19: above it", GetPathOf(limits.target_bytes + 1), 414},
             {"19: far above it", GetPathOf(9000), 414},
             {"19: another host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
             {"19: https", Get("https://a/"), 400},
             {"19: user info", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
             {"19: dots", Get("//v1/../admin"), 400},
             {"19: dot segment", Get("/v1/./x"), 400},
             {"19: last segment", Get("/v1/.."), 400},
             {"19: encoded dots", Get("/%2e%2e%2fadmin"), 400},
             {"19: half-encoded dots", Get("/v1/.%2E/admin"), 400},
             {"19: dots behind an encoded slash", Get("/v1%2f.."), 400},
             {"19: twice encoded", Get("/%252e%252e/"), 400},
             {"19: NUL", Get("/%00"), 400},
             {"19: encoded CR", Get("/%0d%0aX: y"), 400},
             {"19: backslash", Get("/v1\\admin"), 400},
             {"19: encoded backslash", Get("/v1%5cadmin"), 400},
             {"19: bad escape", Get("/%zz"), 400},
             {"19: cut escape", Get("/%4"), 400},
             {"19: non-ASCII", Get("/\xC3\xA9"), 400},
             {"19: fragment", Get("/a#b"), 400},
             {"19: empty segment", Get("/a//b"), 400},
             {"19: no slash", Get("a"), 400},
             {"19: asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
             {"20: slashes", Get(std::string(20000, '/')), 414},
             {"20: fewer slashes", Get(std::string(3000, '/')), 400},
             {"trailing slash", Get("/v1/"), 200}});
}

TEST(HttpGate, RefusesMethodsAndVersions) {
  const auto with_method = [](const std::string& method) {
    return method + " / HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  const auto with_version = [](const std::string& version) {
    return "GET / " + version + "\r\nHost: a\r\n\r\n";
  };
  ExpectAll(
      {{"21: get", with_method("get"), 405},
       {"21: FOO", with_method("FOO"), 405},
       {"21: TRACE", with_method("TRACE"), 405},
       {"21: CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 405},
       {"21: 8 KB", with_method(std::string(8192, 'A')), 400},
       {"21: 17 bytes", with_method(std::string(17, 'A')), 400},
       {"21: not a token", with_method("GE(T"), 400},
       {"21: none", " / HTTP/1.1\r\n\r\n", 400},
       {"22: 0.9", "GET /\r\n", 400},
       {"22: HTTP/0.9", with_version("HTTP/0.9"), 505},
       {"22: HTTP/1.2", with_version("HTTP/1.2"), 505},
       {"22: HTTP/3.0", with_version("HTTP/3.0"), 505},
       {"22: lower case", with_version("http/1.1"), 400},
       {"22: two digits", with_version("HTTP/1.10"), 400},
       {"22: HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
       {"22: TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), 400},
       {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
       {"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400}});
}

TEST(HttpGate, RefusesBodiesByTheirHead) {
  ExpectAll({{"24: at the limit", Post("Content-Length: 1048576\r\n"), 200},
             {"24: above it", Post("Content-Length: 1048577\r\n"), 413},
             {"24: 10 GB", Post("Content-Length: 10737418240\r\n"), 413},
             {"25: expectation", Post("Content-Length: 5\r\nExpect: foo\r\n"), 417},
             {"26: gzip", Post("Content-Length: 5\r\nContent-Encoding: gzip\r\n"), 415},
             {"26: identity", Post("Content-Length: 5\r\nContent-Encoding: identity\r\n"), 200}});
}

TEST(HttpGate, AsksForMoreUntilTheHeadEnds) {
  const std::string bytes = Get("/");
  for (size_t length = 0; length < bytes.size(); ++length) {
    HttpGate gate{HttpLimits()};
    EXPECT_EQ(gate.Examine(std::string_view(bytes).substr(0, length)), Verdict::kNeedMore);
  }
}

TEST(HttpGate, ForgetsEverythingOnReset) {
  HttpGate gate{HttpLimits()};
  ASSERT_EQ(gate.Examine(Post("Content-Length: 5\r\nConnection: close\r\n")), Verdict::kHead);
  gate.Reset();
  ASSERT_EQ(gate.Examine(Post("Transfer-Encoding: chunked\r\n")), Verdict::kHead);
  EXPECT_EQ(gate.head().framing, HttpFraming::kChunked);
  EXPECT_EQ(gate.head().content_length, 0u);
  EXPECT_TRUE(gate.head().keep_alive);
}

}  // namespace
}  // namespace windrose
