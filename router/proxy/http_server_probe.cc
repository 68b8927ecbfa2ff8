#include "router/proxy/http_server_probe.h"

namespace windrose::router {

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
  accepted_.RaiseTo(static_cast<double>(stats.connections_accepted));
  refused_.RaiseTo(static_cast<double>(stats.connections_refused));
  open_.Set(static_cast<double>(stats.connections_open));
  requests_refused_.RaiseTo(static_cast<double>(stats.requests_refused));
  streams_cut_.RaiseTo(static_cast<double>(stats.streams_cut));
}

}  // namespace windrose::router
