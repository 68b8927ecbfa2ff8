#include "common/config/config_parser.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace windrose {
namespace {

struct Settings {
  std::string name = "default";
  bool verbose = false;
  uint16_t port = 8080;
  uint32_t count = 3;
  double ratio = 0.5;
  Duration timeout = Seconds(10);
  uint64_t memory_bytes = 1024;
  std::vector<std::string> peers;
  std::string mode = "fast";
};

class ConfigParserTest : public testing::Test {
 protected:
  void SetUp() override {
    parser_.Add("name", settings_.name, "A name");
    parser_.Add("verbose", settings_.verbose, "Say more");
    parser_.AddPort("port", settings_.port, "Where to listen");
    parser_.Add("worker-count", settings_.count, "How many", uint32_t{1}, uint32_t{8});
    parser_.Add("ratio", settings_.ratio, "A share", 0.0, 1.0);
    parser_.Add("drain-timeout", settings_.timeout, "Patience", Milliseconds(1), Seconds(3600));
    parser_.AddBytes("memory", settings_.memory_bytes, "Room", 1, uint64_t{1} << 40);
    parser_.Add("peers", settings_.peers, "Others");
    parser_.AddChoice("mode", settings_.mode, "How", {"fast", "safe"});
  }
  ~ConfigParserTest() override { std::filesystem::remove(path_); }

  std::optional<int> Parse(const std::vector<std::string>& arguments) {
    out_.str("");
    err_.str("");
    return parser_.Parse(
        arguments,
        [this](const std::string& name) -> std::optional<std::string> {
          const auto found = environment_.find(name);
          return found == environment_.end() ? std::nullopt : std::optional(found->second);
        },
        out_, err_);
  }
  // The one line that refuses `arguments`.
  std::string Refusal(const std::vector<std::string>& arguments) {
    EXPECT_EQ(Parse(arguments), kExitConfig);
    const std::string text = err_.str();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    return text.substr(0, text.size() - 1);
  }
  void WriteFile(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }

  Settings settings_;
  ConfigParser parser_{"windrose-router", "A test"};
  std::map<std::string, std::string> environment_;
  std::ostringstream out_;
  std::ostringstream err_;
  const std::string path_ =
      testing::TempDir() + "config_parser_test_" + std::to_string(getpid()) + ".toml";
};

TEST_F(ConfigParserTest, KeepsDefaults) {
  EXPECT_EQ(Parse({}), std::nullopt);
  EXPECT_EQ(settings_.port, 8080);
  EXPECT_EQ(settings_.timeout, Seconds(10));
}

TEST_F(ConfigParserTest, ReadsEveryTypeFromFlags) {
  EXPECT_EQ(Parse({"--name", "x y", "--verbose", "--port=9000", "--worker-count", "8", "--ratio",
                   "0.25", "--drain-timeout", "250ms", "--memory", "2GiB", "--peers", "a:1,b:2",
                   "--mode", "safe"}),
            std::nullopt)
      << err_.str();
  EXPECT_EQ(settings_.name, "x y");
  EXPECT_TRUE(settings_.verbose);
  EXPECT_EQ(settings_.port, 9000);
  EXPECT_EQ(settings_.count, 8u);
  EXPECT_EQ(settings_.ratio, 0.25);
  EXPECT_EQ(settings_.timeout, Milliseconds(250));
  EXPECT_EQ(settings_.memory_bytes, uint64_t{2} << 30);
  EXPECT_EQ(settings_.peers, (std::vector<std::string>{"a:1", "b:2"}));
  EXPECT_EQ(settings_.mode, "safe");
}

TEST_F(ConfigParserTest, FlagBeatsEnvironmentBeatsFile) {
  WriteFile("port = 1001\nname = \"file\"\nworker_count = 4\nverbose = true\n");
  environment_ = {{"WINDROSE_PORT", "1002"}, {"WINDROSE_NAME", "environment"}};
  EXPECT_EQ(Parse({"--config", path_, "--port", "1003", "--verbose=false"}), std::nullopt)
      << err_.str();
  EXPECT_EQ(settings_.port, 1003);
  EXPECT_EQ(settings_.name, "environment");
  EXPECT_EQ(settings_.count, 4u);
  EXPECT_FALSE(settings_.verbose);
}

TEST_F(ConfigParserTest, TheProgramsOwnVariableWins) {
  environment_ = {{"WINDROSE_PORT", "1001"}, {"WINDROSE_ROUTER_PORT", "1002"}};
  EXPECT_EQ(Parse({}), std::nullopt);
  EXPECT_EQ(settings_.port, 1002);
}

TEST(ConfigParser, ACommandOfAProgramHasVariablesLikeAProgram) {
  uint32_t workers = 1;
  ConfigParser parser("windrose up", "A test");
  parser.Add("workers", workers, "How many", uint32_t{1}, uint32_t{8});
  std::ostringstream out;
  const Environment environment = [](const std::string& name) {
    return name == "WINDROSE_UP_WORKERS" ? std::optional<std::string>("7") : std::nullopt;
  };
  EXPECT_EQ(parser.Parse({}, environment, out, out), std::nullopt) << out.str();
  EXPECT_EQ(workers, 7U);
  EXPECT_EQ(parser.Parse({"--help"}, environment, out, out), 0);
  EXPECT_NE(out.str().find("Usage: windrose up [OPTIONS]"), std::string::npos) << out.str();
}

TEST_F(ConfigParserTest, NamesTheVariablesItShares) {
  const std::vector<std::string> names = parser_.SharedVariables();
  EXPECT_EQ(names.size(), 10U) << "nine settings and --config";
  for (const char* name : {"WINDROSE_CONFIG", "WINDROSE_NAME", "WINDROSE_DRAIN_TIMEOUT"}) {
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
  }
}

TEST_F(ConfigParserTest, RefusesUnknownAndRepeatedFlags) {
  EXPECT_EQ(Refusal({"--nonsense", "1"}),
            "windrose-router: \"--nonsense\": wanted an argument that --help lists");
  EXPECT_EQ(Refusal({"stray"}), "windrose-router: \"stray\": wanted an argument that --help lists");
  EXPECT_EQ(Refusal({"--port", "1", "--port", "2"}),
            "windrose-router: --port: wanted once, got 2 times");
  EXPECT_EQ(Refusal({"--verbose", "--verbose"}),
            "windrose-router: --verbose: wanted once, got 2 times");
  EXPECT_NE(Refusal({"--port"}), "");
}

TEST_F(ConfigParserTest, RefusesBadPorts) {
  for (const std::string port : {"0", "70000", "-1", "80 ", "0x50", "http", "8080.0"}) {
    EXPECT_EQ(Refusal({"--port=" + port})
                  .find("windrose-router: --port: wanted an integer of 1 to 65535"),
              0u)
        << port;
  }
}

TEST_F(ConfigParserTest, RefusesAFlagWithoutItsValue) {
  EXPECT_EQ(Parse({"--port="}), kExitConfig);
  EXPECT_EQ(Parse({"--port"}), kExitConfig);
}

TEST_F(ConfigParserTest, AnEmptyValueIsNotTheArgumentBehindIt) {
  EXPECT_EQ(Parse({"--name=", "--port=9000", "--peers="}), std::nullopt) << err_.str();
  EXPECT_EQ(settings_.name, "");
  EXPECT_EQ(settings_.port, 9000);
  EXPECT_TRUE(settings_.peers.empty());
  EXPECT_EQ(Refusal({"--verbose=", "--port=9000"}),
            "windrose-router: --verbose: wanted true or false, got \"\"");
}

TEST_F(ConfigParserTest, AllowsAnyPortWhereItMakesSense) {
  uint16_t any = 1;
  parser_.AddPort("test-port", any, "Any", true);
  EXPECT_EQ(Parse({"--test-port", "0"}), std::nullopt);
  EXPECT_EQ(any, 0);
}

TEST_F(ConfigParserTest, RefusesTimesWithoutUnitAndOutOfRange) {
  EXPECT_EQ(
      Refusal({"--drain-timeout", "10"}),
      "windrose-router: --drain-timeout: wanted a time with a unit, as 250ms or 10s (us, ms, s, "
      "m, h), got \"10\"");
  EXPECT_EQ(Refusal({"--drain-timeout", "0s"}),
            "windrose-router: --drain-timeout: wanted 1ms to 1h, got \"0s\"");
  EXPECT_NE(Refusal({"--drain-timeout=-5s"}), "");
  EXPECT_EQ(settings_.timeout, Seconds(10)) << "a refused value is not taken";
}

TEST_F(ConfigParserTest, RefusesEveryWrongTypeAndRange) {
  for (const std::string argument :
       {"--worker-count=0", "--worker-count=9", "--worker-count=1.5", "--worker-count=4294967297",
        "--ratio=2", "--ratio=nan", "--ratio=inf", "--ratio=x", "--memory=10", "--memory=2TiB",
        "--mode=slow", "--verbose=maybe", "--peers=a,,b"}) {
    EXPECT_EQ(Parse({argument}), kExitConfig) << argument;
  }
}

TEST_F(ConfigParserTest, NamesFileLineAndKey) {
  WriteFile("# first\nport = 70000\n");
  EXPECT_EQ(Refusal({"--config", path_}), "windrose-router: " + path_ +
                                              ":2: port: wanted an integer of 1 to 65535, got "
                                              "\"70000\"");
  WriteFile("prot = 80\n");
  EXPECT_EQ(Refusal({"--config", path_}),
            "windrose-router: " + path_ + ":1: prot: wanted a key that --help lists, got \"prot\"");
  WriteFile("config = \"x\"\n");
  EXPECT_NE(Refusal({"--config", path_}), "") << "a file names no other file";
  EXPECT_NE(Refusal({"--config", "/no/such/file"}).find("/no/such/file: wanted a readable file"),
            std::string::npos);
}

TEST_F(ConfigParserTest, RefusesEnvironmentWithNewline) {
  environment_ = {{"WINDROSE_NAME", "a\nlevel=info forged"}};
  EXPECT_EQ(Refusal({}),
            "windrose-router: WINDROSE_NAME: wanted text without control bytes, got "
            "\"a?level=info forged\"");
}

TEST_F(ConfigParserTest, ExplainsAKubernetesServiceLink) {
  environment_ = {{"WINDROSE_ROUTER_PORT", "tcp://10.0.0.1:80"}};
  EXPECT_NE(Refusal({}).find("enableServiceLinks: false"), std::string::npos);
}

TEST_F(ConfigParserTest, WarnsOfPreloadedLibraries) {
  environment_ = {{"LD_PRELOAD", "x.so"}};
  EXPECT_EQ(Parse({}), std::nullopt);
  ASSERT_EQ(parser_.warnings().size(), 1u);
}

TEST_F(ConfigParserTest, RunsChecksOnTheWhole) {
  parser_.AddCheck([this] {
    if (settings_.count < 4) return InvalidArgument("--worker-count: wanted at least 4 here");
    return OkStatus();
  });
  EXPECT_EQ(Refusal({}), "windrose-router: --worker-count: wanted at least 4 here");
  EXPECT_EQ(Parse({"--worker-count", "4"}), std::nullopt);
}

TEST_F(ConfigParserTest, PrintsAConfigurationThatReadsBack) {
  EXPECT_EQ(Parse({"--name", "a \"b\" # \\", "--peers", "x:1,y:2", "--memory", "3MiB",
                   "--drain-timeout", "1500ms", "--verbose", "--print-config"}),
            0);
  const std::string printed = out_.str();
  WriteFile(printed);
  Settings before = settings_;
  settings_ = Settings();
  EXPECT_EQ(Parse({"--config", path_, "--print-config"}), 0) << err_.str();
  EXPECT_EQ(out_.str(), printed);
  EXPECT_EQ(settings_.name, before.name);
  EXPECT_EQ(settings_.peers, before.peers);
  EXPECT_EQ(settings_.timeout, before.timeout);
}

TEST_F(ConfigParserTest, HelpsAndTellsItsVersion) {
  EXPECT_EQ(Parse({"--help"}), 0);
  EXPECT_NE(out_.str().find("--drain-timeout TIME"), std::string::npos) << out_.str();
  EXPECT_EQ(Parse({"--version"}), 0);
  EXPECT_EQ(out_.str(), std::string("windrose-router ") + WINDROSE_VERSION + "\n");
}

TEST_F(ConfigParserTest, ReadsPositionals) {
  std::string model;
  parser_.AddPositional("model", model, "The model's folder", true);
  EXPECT_EQ(Parse({"--port", "1", "folder"}), std::nullopt) << err_.str();
  EXPECT_EQ(model, "folder");
  EXPECT_EQ(Parse({}), kExitConfig);
}

}  // namespace
}  // namespace windrose
