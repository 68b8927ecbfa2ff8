#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "common/base/bounded_queue.h"
#include "common/net/address.h"

namespace windrose {
namespace {

using Addresses = std::vector<std::string>;

TEST(AddressSource, TellsAListOnceInItsOrder) {
  NullLog log;
  std::vector<Addresses> told;
  const auto source = AddressSource::Start(
      "b:1,a:1", {}, [&](const Addresses& addresses) { told.push_back(addresses); }, log);
  ASSERT_TRUE(source.ok());
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told.front(), (Addresses{"b:1", "a:1"}));
}

TEST(AddressSource, RefusesABadSpec) {
  NullLog log;
  const auto source = AddressSource::Start(
      "nonsense", {}, [](const Addresses&) {}, log);
  EXPECT_EQ(source.status().code(), StatusCode::kInvalidArgument);
}

TEST(AddressSource, AsksANameAgainAndKeepsTheLastGoodAnswer) {
  NullLog log;
  std::atomic<int> asked{0};
  AddressSource::Options options;
  options.refresh_period = Milliseconds(1);
  options.resolver = [&](const HostPort& name) -> StatusOr<Addresses> {
    EXPECT_EQ(name.ToString(), "workers:7101");
    const int count = ++asked;
    if (count == 2) return Unavailable("no server");
    return count < 4 ? Addresses{"a:1"} : Addresses{"b:1"};
  };
  BoundedQueue<Addresses> told(10);
  auto source = AddressSource::Start(
      "dns:///workers:7101", options,
      [&](const Addresses& addresses) { EXPECT_TRUE(told.Push(Addresses(addresses))); }, log);
  ASSERT_TRUE(source.ok());
  const TimePoint deadline = SystemClock().Now() + Seconds(10);
  EXPECT_EQ(told.Pop(deadline), (Addresses{"a:1"}));
  EXPECT_EQ(told.Pop(deadline), (Addresses{"b:1"}));
  source->reset();
  EXPECT_EQ(told.size(), 0u) << "only changes are told, and none after the end";
}

}  // namespace
}  // namespace windrose
