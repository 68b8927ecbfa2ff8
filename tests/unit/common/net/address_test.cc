#include "common/net/address.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace windrose {
namespace {

using Addresses = std::vector<std::string>;

TEST(HostPort, ReadsNamesAndBothKindsOfNumbers) {
  EXPECT_EQ(*ParseHostPort("localhost:80"), (HostPort{"localhost", 80}));
  EXPECT_EQ(*ParseHostPort("10.0.0.1:65535"), (HostPort{"10.0.0.1", 65535}));
  EXPECT_EQ(*ParseHostPort("[fe80::1]:1"), (HostPort{"fe80::1", 1}));
  EXPECT_EQ(ParseHostPort("[::1]:7101")->ToString(), "[::1]:7101");
  EXPECT_EQ(ParseHostPort("a.b-c_d:7101")->ToString(), "a.b-c_d:7101");
}

TEST(HostPort, RefusesEverythingElse) {
  for (const std::string text :
       {"",       ":",     ":80",   "a",    "a:",    "a:0",       "a:65536", "a:99999999999",
        "a:-1",   "a:+1",  "a: 1",  "a:1 ", "a:0x1", "a b:1",     "a/b:1",   "a@b:1",
        "::1:80", "[::1]", "[a]:1", "[]:1", "a\n:1", "http://a:1"}) {
    EXPECT_FALSE(ParseHostPort(text).ok()) << text;
  }
  EXPECT_FALSE(ParseHostPort(std::string(254, 'a') + ":1").ok());
  EXPECT_FALSE(ParseHostPort(std::string("a\0:1", 4)).ok());
}

TEST(HostPort, OfAListenerIsAnIpAddress) {
  for (const std::string text : {"0.0.0.0:80", "127.0.0.1:8080", "[::]:80", "[::1]:1"}) {
    EXPECT_TRUE(ParseListenAddress(text).ok()) << text;
  }
  for (const std::string text : {"localhost:80", "10.0.0:80", "[1.2.3.4]:80", "127.0.0.1"}) {
    EXPECT_FALSE(ParseListenAddress(text).ok()) << text;
  }
}

TEST(HostPort, QuotesHarmlessly) {
  const Status status = ParseHostPort("bad\r\n\x1b[31m" + std::string(500, 'x')).status();
  EXPECT_EQ(Message(status).find_first_of("\r\n\x1b"), std::string::npos);
  EXPECT_LT(Message(status).size(), 200u);
}

TEST(AddressSpec, ReadsListsAndNames) {
  const auto list = ParseAddressSpec("127.0.0.1:7101, 127.0.0.1:7102");
  ASSERT_TRUE(list.ok());
  EXPECT_FALSE(list->is_dns);
  ASSERT_EQ(list->addresses.size(), 2u);
  EXPECT_EQ(list->addresses[1].port, 7102);
  const auto name = ParseAddressSpec("dns:///workers.windrose.svc:7101");
  ASSERT_TRUE(name.ok());
  EXPECT_TRUE(name->is_dns);
  EXPECT_EQ(name->addresses.front().host, "workers.windrose.svc");
}

TEST(AddressSpec, RefusesBadLists) {
  for (const std::string text : {"", ",", "a:1,", "a:1,,b:2", "a:1,a:1", "dns:///", "dns://x/a:1",
                                 "dns:///a", "dns:///a:1,b:2"}) {
    EXPECT_FALSE(ParseAddressSpec(text).ok()) << text;
  }
  std::string many = "a:1";
  for (int port = 2; port <= 1025; ++port) many += ",a:" + std::to_string(port);
  EXPECT_FALSE(ParseAddressSpec(many).ok());
}

TEST(AddressTracker, ReportsChangesOnlyAndSorted) {
  AddressTracker tracker;
  EXPECT_EQ(*tracker.Update(Addresses{"b:1", "a:1", "b:1"}), (Addresses{"a:1", "b:1"}));
  EXPECT_FALSE(tracker.Update(Addresses{"a:1", "b:1"}).has_value()) << "another order only";
  EXPECT_EQ(*tracker.Update(Addresses{"c:1"}), (Addresses{"c:1"}));
}

TEST(AddressTracker, KeepsTheLastGoodAddresses) {
  AddressTracker tracker;
  ASSERT_TRUE(tracker.Update(Addresses{"a:1"}).has_value());
  EXPECT_FALSE(tracker.Update(Unavailable("no server")).has_value());
  EXPECT_FALSE(tracker.Update(Addresses{}).has_value());
  EXPECT_FALSE(tracker.Update(Addresses{"a:1"}).has_value()) << "still current";
}

TEST(ResolveWithSystem, TakesNumbersAsTheyAre) {
  EXPECT_EQ(*ResolveWithSystem({.host = "127.0.0.1", .port = 7100}), (Addresses{"127.0.0.1:7100"}));
  EXPECT_EQ(*ResolveWithSystem({.host = "::1", .port = 7100}), (Addresses{"[::1]:7100"}));
}

TEST(ResolveWithSystem, NamesTheHostThatCannotBe) {
  const Status status = ResolveWithSystem({.host = "no host", .port = 1}).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(Message(status).find("cannot resolve no host"), std::string::npos) << Message(status);
}

}  // namespace
}  // namespace windrose
