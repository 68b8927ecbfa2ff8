#include "common/process/process_settings.h"

#include "common/base/thread_placement.h"
#include "common/net/address.h"
#include "common/net/grpc_settings.h"

namespace windrose {

void AddProcessSettings(ConfigParser& parser, ProcessSettings& settings) {
  parser.Add("admin-listen", settings.admin_listen, "ip:port for health and metrics");
  parser.AddChoice("log-level", settings.log_level, "least level that is logged",
                   {"debug", "info", "warn", "error", "off"});
  parser.AddCheck([&settings] {
    return Annotate(ParseListenAddress(settings.admin_listen).status(), "--admin-listen");
  });
}

void AddComputeSettings(ConfigParser& parser, ComputeSettings& settings) {
  parser.Add("threads", settings.threads,
             "threads that compute; 0 takes one for each processor that it may use, but no more "
             "than its CPU quota grants",
             0, 1024);
  parser.Add("cpus", settings.cpus,
             "processors that it may use, as in 0-3,8; each computing thread stays on one of them");
  parser.Add("instruction-set", settings.instruction_set,
             "of the kernels: best, or one that the processor has, as AVX2");
  parser.AddChoice("verify-weights", settings.verify_weights,
                   "when weights, read in the background or before ready, are compared with the "
                   "hashes of a converted model",
                   {"off", "background", "before-ready"});
  parser.AddCheck([&settings] { return Annotate(ParseCpus(settings.cpus).status(), "--cpus"); });
}

Status CheckInternalListener(const std::string& flag, const std::string& address,
                             bool insecure_internal) {
  const StatusOr<HostPort> parsed = ParseHostPort(address);
  if (!parsed.ok()) return Annotate(parsed.status(), flag);
  return CheckInsecureListener(flag, parsed->host, insecure_internal);
}

}  // namespace windrose
