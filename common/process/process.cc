#include "common/process/process.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/base/descriptors.h"
#include "common/base/thread_placement.h"
#include "common/net/address.h"
#include "common/obs/process_log.h"

namespace windrose {
namespace {

// A stream that was closed would be what is opened first, and the log would go there.
void OpenStandardStreams() {
  int descriptor = 0;
  do {
    descriptor = open("/dev/null", O_RDWR);
  } while (descriptor >= 0 && descriptor <= STDERR_FILENO);
  close(descriptor);
}

}  // namespace

Status Process::OpenAdmin(const std::string& address) {
  ASSIGN_OR_RETURN(const HostPort parsed, ParseHostPort(address));
  metrics.AddProcessMetrics();
  AdminOptions options;
  options.address = parsed.host;
  options.port = parsed.port;
  ASSIGN_OR_RETURN(admin, AdminListener::Start(options, {metrics, health, *log, entropy}));
  return OkStatus();
}

int RunProcess(const ProcessStart& start, const std::function<Status(Process&)>& serve) {
  OpenStandardStreams();
  RaiseDescriptorLimit();
  Process process;
  // Before the log has its thread: those that start from here on inherit it.
  StatusOr<std::vector<uint32_t>> cpus = PlaceProcess(start.cpus);
  process.log =
      MakeProcessLog(start.name, ParseLogLevel(start.log_level).value_or(LogLevel::kInfo));
  for (const std::string& warning : start.warnings) {
    process.log->Warn("config", {{"what", warning}});
  }
  Status served = cpus.status();
  if (served.ok()) {
    process.cpus = *std::move(cpus);
    served = serve(process);
  }
  if (served.ok()) return 0;
  process.log->Error(start.name + "_failed", {{"why", ToString(served)}});
  return 1;
}

}  // namespace windrose
