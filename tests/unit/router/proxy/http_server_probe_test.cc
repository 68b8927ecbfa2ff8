#include "router/proxy/http_server_probe.h"

#include <gtest/gtest.h>

#include <string>

namespace windrose::router {
namespace {

TEST(HttpServerProbe, BringsTheMetricsUpToTheCounts) {
  MetricRegistry registry;
  HttpServerProbe probe(registry);
  HttpServerStats stats{.connections_accepted = 5,
                        .connections_refused = 4,
                        .connections_open = 3,
                        .requests = 9,
                        .requests_refused = 2,
                        .streams_cut = 1};
  probe.Report(stats);
  stats.connections_open = 0;
  stats.requests_refused = 7;
  probe.Report(stats);
  const std::string text = registry.Text();
  for (const char* const line :
       {"windrose_router_http_connections_total 5",
        "windrose_router_http_connections_refused_total 4",
        "windrose_router_http_connections_open 0", "windrose_router_http_requests_refused_total 7",
        "windrose_router_http_streams_cut_total 1"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
}

}  // namespace
}  // namespace windrose::router
