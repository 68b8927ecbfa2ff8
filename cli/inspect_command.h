// `windrose inspect`: describes a model directory. Main thread only.
#pragma once

namespace windrose::cli {

// `argv[0]` is the command's name. Returns the exit code.
int RunInspect(int argc, const char* const* argv);

}  // namespace windrose::cli
