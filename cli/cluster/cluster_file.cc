#include "cli/cluster/cluster_file.h"

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace windrose::cli {
namespace {

boost::json::object ProcessJson(const ProcessState& process) {
  boost::json::array experts;
  for (const ExpertId expert : process.spec->experts) experts.emplace_back(expert.value());
  boost::json::object object;
  object["name"] = process.spec->name;
  object["role"] = std::string(NameOf(process.spec->role));
  object["pid"] = process.pid;
  object["ready"] = process.ready;
  object["restarts"] = process.restarts;
  object["port"] = process.spec->port;
  object["admin_port"] = process.spec->admin_port;
  object["grpc_port"] = process.spec->grpc_port;
  object["experts"] = std::move(experts);
  object["log"] = process.log;
  return object;
}

}  // namespace

std::string ToJson(const ClusterState& state) {
  boost::json::array processes;
  for (const ProcessState& process : state.processes) processes.push_back(ProcessJson(process));
  boost::json::object object;
  object["supervisor_pid"] = state.supervisor_pid;
  object["url"] = state.url;
  object["state"] = state.state;
  object["processes"] = std::move(processes);
  return boost::json::serialize(object) + "\n";
}

Status ReplaceFile(const std::string& path, const std::string& text) {
  const std::string draft = path + ".new";
  {
    std::ofstream file(draft, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) return Unavailable("cannot write " + draft);
  }
  std::error_code error;
  std::filesystem::rename(draft, path, error);
  if (error) return Unavailable("cannot rename " + draft + " to " + path + ": " + error.message());
  return OkStatus();
}

}  // namespace windrose::cli
