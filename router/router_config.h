// RouterConfig: every setting of windrose-router. Parsed and checked once in main, then const.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/config/config_parser.h"
#include "common/net/http_gate.h"
#include "common/process/process_settings.h"
#include "router/api/openai_request.h"
#include "router/proxy/inference_proxy.h"
#include "router/upstream/coordinator_set.h"

namespace windrose::router {

struct RouterConfig {
  std::string listen = "127.0.0.1:8080";       // public HTTP
  std::string grpc_listen = "127.0.0.1:8081";  // public gRPC; empty: none
  ProcessSettings process = {.admin_listen = "127.0.0.1:9080"};
  std::string coordinators = "127.0.0.1:7200";  // list, or dns:///name:port
  Duration resolve_period = Seconds(5);         // of a dns:/// name
  bool grpc_reflection = false;
  uint32_t http_threads = 1;
  Duration drain_grace = Milliseconds(0);  // after SIGTERM, not ready but still accepting
  Duration drain_timeout = Seconds(600);   // for streams in flight; longer than request-deadline
  HttpLimits http;
  RequestLimits request_limits;
  CoordinatorSetOptions coordinator_set;
  ProxyOptions proxy;
};

// Binds every flag to its field and adds the checks across fields. Both must outlive the parsing.
void AddRouterSettings(ConfigParser& parser, RouterConfig& config);

}  // namespace windrose::router
