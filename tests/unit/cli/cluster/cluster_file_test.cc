#include "cli/cluster/cluster_file.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace windrose::cli {
namespace {

TEST(ClusterFile, SaysWhatToolsNeed) {
  ProcessSpec spec;
  spec.name = "worker-0";
  spec.port = 20001;
  spec.admin_port = 20002;
  spec.experts = {ExpertId{0}, ExpertId{7}};
  const ClusterState state{41, "http://127.0.0.1:8080", "ready", {{&spec, 42, true, 3, "a.log"}}};
  const auto json = boost::json::parse(ToJson(state));
  EXPECT_EQ(json.at("supervisor_pid").as_int64(), 41);
  EXPECT_EQ(json.at("state").as_string(), "ready");
  const auto& process = json.at("processes").as_array().at(0);
  EXPECT_EQ(process.at("name").as_string(), "worker-0");
  EXPECT_EQ(process.at("role").as_string(), "worker");
  EXPECT_EQ(process.at("pid").as_int64(), 42);
  EXPECT_EQ(process.at("restarts").to_number<int>(), 3);
  EXPECT_EQ(process.at("admin_port").to_number<int>(), 20002);
  EXPECT_EQ(process.at("experts").as_array().size(), 2U);
}

TEST(ClusterFile, ReplacesTheOldFileWhole) {
  const std::string path = testing::TempDir() + "/cluster_file_test.json";
  ASSERT_TRUE(ReplaceFile(path, "a long first text").ok());
  ASSERT_TRUE(ReplaceFile(path, "second").ok());
  std::ifstream file(path);
  EXPECT_EQ(std::string((std::istreambuf_iterator<char>(file)), {}), "second");
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  std::filesystem::remove(path);
}

TEST(ClusterFile, ReportsAPlaceItCannotWriteTo) {
  EXPECT_EQ(ReplaceFile("/nowhere/at/all.json", "x").code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace windrose::cli
