// A router's view of scripted coordinators, in virtual time: what tests of the proxy stand on.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "router/proxy/router_probe.h"
#include "tests/unit/router/proxy/scripted_upstream.h"

namespace windrose::router {

class ScriptedClusterTest : public ::testing::Test {
 protected:
  void Serve(const std::vector<std::string>& addresses) {
    set_.SetAddresses(addresses);
    loop_.RunUntil([&] { return set_.up_count() == addresses.size(); }, loop_.Now() + Seconds(1));
  }

  ManualEventLoop loop_;
  Script script_;
  CountingEntropy entropy_;
  NullLog log_;
  RouterProbe probe_;
  CoordinatorSet set_{ScriptedParts(loop_, script_, entropy_, log_), CoordinatorSetOptions{}};
};

}  // namespace windrose::router
