#include "cli/supervise/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "cli/supervise/file_handle.h"

namespace windrose::cli {
namespace {

constexpr int kExitCannotExecute = 127;

// Between fork and exec: system calls only, no allocation.
[[noreturn]] void BecomeChild(char* const* arguments, int log, int nothing, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kExitCannotExecute);  // it died before prctl took effect
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);  // SignalSource ignores it
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execv(arguments[0], arguments);
  for (const char* const part : {"cannot execute ", static_cast<const char*>(arguments[0]), "\n"}) {
    static_cast<void>(!::write(STDERR_FILENO, part, std::strlen(part)));
  }
  ::_exit(kExitCannotExecute);
}

}  // namespace

StatusOr<pid_t> StartChild(const std::vector<std::string>& arguments, const std::string& log_path) {
  const FileHandle log(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log.open()) {
    return Unavailable("cannot write the log " + log_path + ": " +
                       std::system_category().message(errno));
  }
  const FileHandle nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::vector<std::string> copies = arguments;
  std::vector<char*> pointers;
  for (std::string& argument : copies) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) BecomeChild(pointers.data(), log.get(), nothing.get(), parent);
  if (child < 0) {
    return Unavailable("cannot start a process: " + std::system_category().message(errno));
  }
  return child;
}

void HideFromChildren(const std::vector<std::string>& variables) {
  for (const std::string& variable : variables) ::unsetenv(variable.c_str());
}

std::string DescribeExit(int wait_status) {
  if (WIFEXITED(wait_status)) {
    return "exited with code " + std::to_string(WEXITSTATUS(wait_status));
  }
  const int signal = WTERMSIG(wait_status);
  return "was killed by signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
}

}  // namespace windrose::cli
