// AdminListener: the operators' port that every process has, on its own thread, so that a busy
// process still answers. GET /metrics (Prometheus text 0.0.4), /livez, /readyz, /startupz (JSON,
// `?verbose` with every condition), and the pages that main adds; everything else is 404. It
// changes nothing.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/net/http_message.h"
#include "common/obs/health_state.h"
#include "common/obs/metric_registry.h"

namespace windrose {

struct AdminOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free port
  // More read-only pages by path, as "/topology". Called on the admin thread.
  std::map<std::string, std::function<HttpResponse(const HttpRequest&)>> pages;
};

// The answer to an admin request: pure, so that the public listener can serve health with it too.
HttpResponse AnswerAdminRequest(const HttpRequest& request, const AdminOptions& options,
                                MetricRegistry& metrics, const HealthState& health);

// The answer of /livez, /readyz and /startupz: 200 or 503 and a JSON body.
enum class HealthProbe { kLive, kReady, kStartup };
HttpResponse AnswerHealthProbe(HealthProbe probe, bool verbose, const HealthState& health);

class AdminListener {
 public:
  // `metrics`, `health`, `log` and `entropy` must outlive the listener.
  struct Sources {
    MetricRegistry& metrics;
    const HealthState& health;
    Log& log;
    Entropy& entropy;
  };
  static StatusOr<std::unique_ptr<AdminListener>> Start(const AdminOptions& options,
                                                        const Sources& sources);
  virtual ~AdminListener() = default;  // stops
  virtual uint16_t port() const = 0;
};

}  // namespace windrose
