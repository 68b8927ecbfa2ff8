// `windrose convert`: writes a Windrose checkpoint. Main thread only.
#pragma once

namespace windrose::cli {

// `argv[0]` is the command's name. Returns the exit code.
int RunConvert(int argc, const char* const* argv);

}  // namespace windrose::cli
