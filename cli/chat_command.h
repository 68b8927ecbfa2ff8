// `windrose chat`: a conversation in the terminal. Main thread only.
#pragma once

namespace windrose::cli {

// `argv[0]` is the command's name. Returns the exit code.
int RunChat(int argc, const char* const* argv);

}  // namespace windrose::cli
