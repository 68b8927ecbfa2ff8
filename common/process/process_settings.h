// Settings that several servers share: each binds them into its own config. Parsed once in main,
// then const.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/status.h"
#include "common/config/config_parser.h"

namespace windrose {

// Of every server.
struct ProcessSettings {
  std::string admin_listen;  // health and metrics; each server has a default of its own
  std::string log_level = "info";
};

// Of those that compute.
struct ComputeSettings {
  uint32_t threads = 0;  // that compute; 0: one for each processor it may use
  std::string cpus;      // processors it may use, as in "0-3,8"; empty: as the system gives
  std::string instruction_set = "best";       // of the kernels
  std::string verify_weights = "background";  // off, background or before-ready
};

// Bind the fields to their flags, and check them.
void AddProcessSettings(ConfigParser& parser, ProcessSettings& settings);
void AddComputeSettings(ConfigParser& parser, ComputeSettings& settings);

// Whether what `flag` says, "host:port", may be listened on by a server that trusts who connects:
// off loopback only where clear text is allowed.
Status CheckInternalListener(const std::string& flag, const std::string& address,
                             bool insecure_internal);

}  // namespace windrose
