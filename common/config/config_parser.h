// ConfigParser: one plain struct of settings from flags, environment and a file.
//
// Each setting has a flag `--worker-timeout`, an environment variable and a key of the file given
// with
// `--config`. A flag wins over the environment, that over the file, that over the default in the
// struct. For the program windrose-router the variables are WINDROSE_ROUTER_WORKER_TIMEOUT, or else
// WINDROSE_WORKER_TIMEOUT. The file is a subset of TOML:
//
//   file  = *( [ key "=" value ] [ "#" comment ] LF )
//   key   = name of the flag, '-' or '_'
//   value = bare word | "quoted, with \" \\ \n \t" | "[" value *( "," value ) "]"
//
// Whatever is unknown, ill-typed, given twice or out of range is refused with one line that names
// the place, the key, what was wanted and what came; the process then exits with 78 (EX_CONFIG).
// Thread-compatible; used in main only.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/base/time.h"

namespace windrose {

constexpr int kExitConfig = 78;

// Looks up an environment variable; nullopt when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
// The process's own.
Environment SystemEnvironment();

class ConfigParser {
 public:
  // `program` as "windrose-router" or "windrose up"; `description` is the first line of --help.
  ConfigParser(const std::string& program, const std::string& description);
  ~ConfigParser();
  ConfigParser(const ConfigParser&) = delete;
  ConfigParser& operator=(const ConfigParser&) = delete;

  // Binds `flag` (without dashes, as "worker-timeout") to a field that holds its default. Fields
  // must outlive the parser. Ranges are inclusive.
  void Add(const std::string& flag, std::string& field, const std::string& help);
  void Add(const std::string& flag, bool& field, const std::string& help);
  void Add(const std::string& flag, double& field, const std::string& help, double minimum,
           double maximum);
  void Add(const std::string& flag, int32_t& field, const std::string& help, int32_t minimum,
           int32_t maximum);
  void Add(const std::string& flag, uint32_t& field, const std::string& help, uint32_t minimum,
           uint32_t maximum);
  void Add(const std::string& flag, int64_t& field, const std::string& help, int64_t minimum,
           int64_t maximum);
  void Add(const std::string& flag, uint64_t& field, const std::string& help, uint64_t minimum,
           uint64_t maximum);  // size_t too
  // With a unit: "250ms", "10s", "2m", "1h", "50us".
  void Add(const std::string& flag, Duration& field, const std::string& help, Duration minimum,
           Duration maximum);
  // Separated by commas.
  void Add(const std::string& flag, std::vector<std::string>& field, const std::string& help);
  void Add(const std::string& flag, std::vector<uint32_t>& field, const std::string& help,
           uint32_t minimum, uint32_t maximum);
  // "2GiB", "64MiB", "4KiB", "512B".
  void AddBytes(const std::string& flag, uint64_t& field, const std::string& help, uint64_t minimum,
                uint64_t maximum);
  // 1-65535; 0 (any free port) only when `allow_any`, for tests.
  void AddPort(const std::string& flag, uint16_t& field, const std::string& help,
               bool allow_any = false);
  // One of `choices`.
  void AddChoice(const std::string& flag, std::string& field, const std::string& help,
                 const std::vector<std::string>& choices);
  // An argument without a flag, in order; `required` or not. Command line only.
  void AddPositional(const std::string& name, std::string& field, const std::string& help,
                     bool required);

  // Runs after all settings are read; its status refuses the configuration. Its message should
  // begin with the flag: "--drain-timeout: wanted …".
  void AddCheck(std::function<Status()> check);

  // Reads everything. nullopt: go on. Otherwise exit with this code: 0 after --help, --version and
  // --print-config (on `out`), kExitConfig after a refusal (one line on `err`).
  std::optional<int> Parse(int argc, const char* const* argv);
  std::optional<int> Parse(const std::vector<std::string>& arguments,
                           const Environment& environment, std::ostream& out, std::ostream& err);

  // The variables WINDROSE_<FLAG> of these settings and of --config, which other programs read,
  // too.
  std::vector<std::string> SharedVariables() const;

  // The effective configuration, as a file that can be read again.
  std::string Print() const;

  // What is odd but allowed, as LD_PRELOAD being set; for the log, after Parse.
  const std::vector<std::string>& warnings() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace windrose
