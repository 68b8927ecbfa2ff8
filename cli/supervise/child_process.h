// ChildProcess: one run of a program.
//
// Runs in a process group of its own, so that Ctrl-C reaches only the supervisor; is killed by the
// kernel when the supervisor dies; reads nothing and appends its output to a log.
// Thread-compatible; the thread that starts children must be the main thread, which lives as long
// as the process.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/base/status.h"

namespace windrose::cli {

// Starts `arguments[0]`. UNAVAILABLE when the log cannot be opened or the machine has no process
// left; a program that cannot be executed exits with 127 and says why in its log.
StatusOr<pid_t> StartChild(const std::vector<std::string>& arguments, const std::string& log_path);

// Takes these variables out of the environment that children inherit. Before there are threads.
void HideFromChildren(const std::vector<std::string>& variables);

// How a child ended: "exited with code 1" or "was killed by signal 9 (Killed)".
std::string DescribeExit(int wait_status);

}  // namespace windrose::cli
