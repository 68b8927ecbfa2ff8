// `windrose bench`: measures a cluster, a running one or one of its own. Main thread only.
#pragma once

namespace windrose::cli {

// `argv[0]` is the command's name. Returns the exit code: 1 when nothing succeeded, 130 when a
// signal ended the measurement early.
int RunBench(int argc, const char* const* argv);

}  // namespace windrose::cli
