// A router's view of scripted coordinators, in virtual time: what tests of the proxy stand on.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/obs/metric_registry.h"
#include "router/proxy/router_probe.h"
#include "tests/support/collecting_log.h"
#include "tests/unit/router/proxy/scripted_upstream.h"

namespace windrose::router {

class ScriptedClusterTest : public ::testing::Test {
 protected:
  void Serve(const std::vector<std::string>& addresses) {
    set_.SetAddresses(addresses);
    loop_.RunUntil([&] { return set_.up_count() == addresses.size(); }, loop_.Now() + Seconds(1));
  }

  void Pass(Duration time) {
    loop_.RunUntil([] { return false; }, loop_.Now() + time);
  }
  // The value of a series, named as in the text for Prometheus; -1 when there is none.
  double Counted(const std::string& series) {
    std::string text = "\n";
    text += registry_.Text();
    const std::string line = "\nwindrose_router_" + series + " ";
    const size_t place = text.find(line);
    return place == std::string::npos ? -1 : std::stod(text.substr(place + line.size()));
  }
  // Generations that a coordinator which is up has now.
  uint32_t Outstanding() {
    const CoordinatorLease lease = set_.Pick("", {});
    return lease->outstanding - 1;
  }

  ManualEventLoop loop_;
  Script script_;
  CountingEntropy entropy_;
  CollectingLog log_;
  MetricRegistry registry_;
  RouterProbe probe_{registry_};
  CoordinatorSet set_{ScriptedParts(loop_, script_, entropy_, log_, UpstreamProbe(registry_)),
                      CoordinatorSetOptions{}};
};

}  // namespace windrose::router
