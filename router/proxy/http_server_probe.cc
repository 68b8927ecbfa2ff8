#include "router/proxy/http_server_probe.h"

namespace windrose::router {
namespace {

void Raise(const Counter& counter, uint64_t from, uint64_t to) {
  counter.Inc(static_cast<double>(to - from));
}

}  // namespace

HttpServerProbe::HttpServerProbe(MetricRegistry& registry)
    : accepted_(registry.AddCounter("windrose_router_http_connections_total",
                                    "HTTP connections accepted.")),
      refused_(registry.AddCounter(
          "windrose_router_http_connections_refused_total",
          "HTTP connections refused: over a limit, or no descriptor was left.")),
      open_(registry.AddGauge("windrose_router_http_connections_open", "HTTP connections open.")),
      requests_refused_(
          registry.AddCounter("windrose_router_http_requests_refused_total",
                              "What was refused before it was a whole request: malformed, too "
                              "large or too slow. In no other metric.")),
      streams_cut_(registry.AddCounter("windrose_router_http_streams_cut_total",
                                       "Answers cut because the client took them too slowly.")) {}

void HttpServerProbe::Report(const HttpServerStats& stats) {
  Raise(accepted_, told_.connections_accepted, stats.connections_accepted);
  Raise(refused_, told_.connections_refused, stats.connections_refused);
  open_.Set(static_cast<double>(stats.connections_open));
  Raise(requests_refused_, told_.requests_refused, stats.requests_refused);
  Raise(streams_cut_, told_.streams_cut, stats.streams_cut);
  told_ = stats;
}

}  // namespace windrose::router
