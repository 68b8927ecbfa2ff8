#include "bench/cluster/cluster_process.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

namespace windrose::bench {
namespace {

constexpr int kReadySeconds = 600;

}  // namespace

StatusOr<ClusterProcess> ClusterProcess::Start(const std::string& program_directory,
                                               const std::vector<std::string>& arguments) {
  std::string directory =
      (std::filesystem::temp_directory_path() / "windrose-bench-XXXXXX").string();
  if (::mkdtemp(directory.data()) == nullptr) return Unavailable("cannot make " + directory);
  std::vector<std::string> words = {program_directory + "/windrose",
                                    "up",
                                    "--port",
                                    "0",
                                    "--grpc-port",
                                    "0",
                                    "--log-dir",
                                    directory};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  ::posix_spawn_file_actions_init(&quiet);
  ::posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", 1, 0);
  ::posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", 1, 0);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, argv[0], &quiet, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&quiet);
  if (error != 0) return Unavailable("cannot start " + words[0]);
  ClusterProcess process(pid, std::move(directory));
  RETURN_IF_ERROR(process.WaitUntilReady());
  return process;
}

ClusterProcess::ClusterProcess(ClusterProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      directory_(std::move(other.directory_)),
      grpc_target_(std::move(other.grpc_target_)),
      admin_port_(other.admin_port_) {}

ClusterProcess::~ClusterProcess() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

Status ClusterProcess::WaitUntilReady() {
  for (int tenth = 0; tenth < kReadySeconds * 10; ++tenth) {
    if (ReadStatusFile().ok()) return OkStatus();
    if (::waitpid(pid_, nullptr, WNOHANG) != 0) {
      pid_ = -1;
      return Unavailable("the cluster ended before it was ready; logs are in " + directory_);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return DeadlineExceeded("the cluster was not ready within 10 minutes");
}

Status ClusterProcess::ReadStatusFile() {
  std::ifstream file(directory_ + "/cluster.json");
  std::stringstream text;
  text << file.rdbuf();
  boost::system::error_code error;
  const boost::json::value root = boost::json::parse(text.str(), error);
  if (error || !root.is_object() || root.at("state") != "ready") return Unavailable("not ready");
  for (const boost::json::value& process : root.at("processes").as_array()) {
    const boost::json::string& role = process.at("role").as_string();
    if (role == "router") {
      grpc_target_ = "127.0.0.1:" + std::to_string(process.at("grpc_port").to_number<int>());
    } else if (role == "coordinator") {
      admin_port_ = process.at("admin_port").to_number<uint16_t>();
    }
  }
  return OkStatus();
}

}  // namespace windrose::bench
