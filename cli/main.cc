// The `windrose` command: one word chooses what to do, the rest belongs to that.
#include <cstdio>
#include <string_view>

#include "cli/bench_command.h"
#include "cli/chat_command.h"
#include "cli/convert_command.h"
#include "cli/inspect_command.h"
#include "cli/synth_command.h"
#include "cli/up_command.h"

namespace {

constexpr int kExitUsage = 64;

constexpr const char* kUsage = R"(Usage: windrose COMMAND [OPTIONS]

  up             start a whole cluster on this machine and keep it running
  chat           talk to a cluster in the terminal
  bench [URL]    measure a cluster: tokens per second, times, errors
  convert S D    make a checkpoint in bf16, q8 or q4 of a model directory or a GGUF file
  inspect DIR    what a model directory holds, and where its experts would go
  synth DIR      write a model of random weights, for measurements
  help           this page

windrose COMMAND --help lists the options. Each is also an environment variable and a key of the file
given with --config; --print-config shows all of them.
)";

int RunCommand(std::string_view command, int argc, const char* const* argv) {
  if (command == "up") return windrose::cli::RunUp(argc, argv);
  if (command == "chat") return windrose::cli::RunChat(argc, argv);
  if (command == "bench") return windrose::cli::RunBench(argc, argv);
  if (command == "convert") return windrose::cli::RunConvert(argc, argv);
  if (command == "inspect") return windrose::cli::RunInspect(argc, argv);
  if (command == "synth") return windrose::cli::RunSynth(argc, argv);
  if (command == "help" || command == "--help" || command == "-h") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (command == "--version") {
    std::printf("windrose %s\n", WINDROSE_VERSION);
    return 0;
  }
  std::fprintf(stderr, "windrose: unknown command %.*s\n\n%s", static_cast<int>(command.size()),
               command.data(), kUsage);
  return kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs(kUsage, stderr);
    return kExitUsage;
  }
  return RunCommand(argv[1], argc - 1, argv + 1);
}
