// ClusterProcess: a whole cluster under `windrose up`, for as long as this object lives.
// Thread-compatible.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace windrose::bench {

class ClusterProcess {
 public:
  // Starts `program_directory`/windrose up with `arguments` on free ports and waits until it
  // serves.
  static StatusOr<ClusterProcess> Start(const std::string& program_directory,
                                        const std::vector<std::string>& arguments);
  // SIGTERM, and the wait for its end.
  ~ClusterProcess();
  ClusterProcess(ClusterProcess&& other) noexcept;
  ClusterProcess& operator=(ClusterProcess&&) = delete;

  const std::string& grpc_target() const { return grpc_target_; }  // of the router
  uint16_t coordinator_admin_port() const { return admin_port_; }

 private:
  ClusterProcess(pid_t pid, std::string directory) : pid_(pid), directory_(std::move(directory)) {}
  Status WaitUntilReady();
  Status ReadStatusFile();

  pid_t pid_ = -1;
  std::string directory_;  // logs and status file, removed at the end
  std::string grpc_target_;
  uint16_t admin_port_ = 0;
};

}  // namespace windrose::bench
