// `windrose up`: starts a cluster on this machine and supervises it until a signal. Main thread
// only.
#pragma once

namespace windrose::cli {

// `argv[0]` is the command's name. Returns the exit code.
int RunUp(int argc, const char* const* argv);

}  // namespace windrose::cli
