// `windrose synth`: writes a model of random weights. Main thread only.
#pragma once

namespace windrose::cli {

// `argv[0]` is the command's name. Returns the exit code.
int RunSynth(int argc, const char* const* argv);

}  // namespace windrose::cli
