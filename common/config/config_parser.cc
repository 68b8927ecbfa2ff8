#include "common/config/config_parser.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>

#include "common/config/config_file.h"
#include "common/config/config_setting.h"

namespace windrose {
namespace {

constexpr size_t kLongestQuote = 80;
constexpr const char* kSharedPrefix = "WINDROSE";

std::string EnvironmentName(const std::string& text) {
  std::string name;
  for (const char byte : text) {
    const bool is_lower = byte >= 'a' && byte <= 'z';
    name += byte == '-' || byte == ' ' ? '_'
            : is_lower                 ? static_cast<char>(byte - 'a' + 'A')
                                       : byte;
  }
  return name;
}

// The beginning of a refused value, harmless to show.
std::string Quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char byte : text.substr(0, kLongestQuote)) {
    const auto value = static_cast<unsigned char>(byte);
    quoted += value < 0x20 || value >= 0x7f ? '?' : byte;
  }
  return quoted + (text.size() > kLongestQuote ? "\"..." : "\"");
}

struct Positional {
  std::string name;
  std::string help;
  std::string* field = nullptr;
  bool required = false;
};

// A setting's option on the command line and what it was given.
struct Option {
  CLI::Option* option = nullptr;
  std::string value;
};

}  // namespace

Environment SystemEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

struct ConfigParser::Impl {
  void Add(ConfigSetting setting, const std::string& flag, const std::string& help) {
    setting.flag = flag;
    setting.help = help;
    settings.push_back(std::move(setting));
  }

  ConfigSetting* Find(const std::string& flag) {
    for (ConfigSetting& setting : settings) {
      if (setting.flag == flag) return &setting;
    }
    return nullptr;
  }

  static Status Set(const ConfigSetting& setting, const std::string& place,
                    const std::string& value) {
    const Status status = setting.set(value);
    if (status.ok()) return status;
    std::string message = Message(status) + ", got " + Quote(value);
    if (value.substr(0, 6) == "tcp://") {
      message += " (a Kubernetes service link? set enableServiceLinks: false)";
    }
    return InvalidArgument(place + ": " + message);
  }

  void Declare(CLI::App& app);
  StatusOr<std::vector<std::string>> Separated(const std::vector<std::string>& arguments);
  std::optional<std::string> FromEnvironment(const Environment& environment,
                                             const std::string& flag, std::string& name) const;
  Status ApplyFile(const std::string& path);
  Status ApplyEnvironment(const Environment& environment);
  Status ApplyFlags(const CLI::App& app);
  Status Apply(const CLI::App& app, const Environment& environment);

  std::string program;
  std::string description;
  std::deque<ConfigSetting> settings;
  std::deque<Positional> positionals;
  std::vector<std::function<Status()>> checks;
  std::vector<std::string> warnings;
  std::map<std::string, Option> options;  // by flag, during Parse
  std::string config_path;
  bool print_config = false;
};

void ConfigParser::Impl::Declare(CLI::App& app) {
  app.allow_extras();
  app.set_version_flag("--version", program + " " + WINDROSE_VERSION);
  options.clear();
  for (const ConfigSetting& setting : settings) {
    Option& option = options[setting.flag];
    const std::string help = setting.help + " [" + setting.print() + "]";
    const std::string name = "--" + setting.flag;
    option.option = setting.is_bool ? app.add_flag(name, option.value, help)
                                    : app.add_option(name, option.value, help);
    // Counted afterwards: CLI11 would take the repetition for a list.
    option.option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    if (!setting.is_bool) option.option->type_name(setting.type);
  }
  for (const Positional& positional : positionals) {
    CLI::Option* option = app.add_option(positional.name, *positional.field, positional.help);
    if (positional.required) option->required();
  }
  app.add_option("--config", config_path, "Read settings from this file")->type_name("FILE");
  app.add_flag("--print-config", print_config, "Print the effective configuration and exit");
  app.footer("Every setting can be given as " + EnvironmentName(program) + "_<FLAG> or WINDROSE_" +
             "<FLAG>, or as a key of the file. A flag wins, then the environment, then the file.");
}

// "--flag=" as two arguments, the second of them empty: CLI11 would take whatever comes next for
// the value.
StatusOr<std::vector<std::string>> ConfigParser::Impl::Separated(
    const std::vector<std::string>& arguments) {
  std::vector<std::string> separated;
  for (const std::string& argument : arguments) {
    const bool is_empty = argument.starts_with("--") && argument.find('=') + 1 == argument.size();
    separated.push_back(is_empty ? argument.substr(0, argument.size() - 1) : argument);
    if (!is_empty) continue;
    const ConfigSetting* setting = Find(separated.back().substr(2));
    if (setting != nullptr && setting->is_bool) return Set(*setting, separated.back(), "");
    separated.emplace_back();
  }
  return separated;
}

// The program's own variable wins over the one that all programs share.
std::optional<std::string> ConfigParser::Impl::FromEnvironment(const Environment& environment,
                                                               const std::string& flag,
                                                               std::string& name) const {
  for (const std::string& prefix : {EnvironmentName(program), std::string(kSharedPrefix)}) {
    name = prefix + "_" + EnvironmentName(flag);
    if (std::optional<std::string> value = environment(name)) return value;
  }
  return std::nullopt;
}

Status ConfigParser::Impl::ApplyFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadConfigFile(path));
  ASSIGN_OR_RETURN(const std::vector<ConfigEntry> entries, ParseConfigText(text, path));
  for (const ConfigEntry& entry : entries) {
    const std::string place = path + ":" + std::to_string(entry.line) + ": " + entry.key;
    const ConfigSetting* setting = Find(entry.key);
    if (setting == nullptr) {
      return InvalidArgument(place + ": wanted a key that --help lists, got " + Quote(entry.key));
    }
    RETURN_IF_ERROR(Set(*setting, place, entry.value));
  }
  return OkStatus();
}

Status ConfigParser::Impl::ApplyEnvironment(const Environment& environment) {
  for (const ConfigSetting& setting : settings) {
    std::string name;
    const std::optional<std::string> value = FromEnvironment(environment, setting.flag, name);
    if (value.has_value()) RETURN_IF_ERROR(Set(setting, name, *value));
  }
  return OkStatus();
}

Status ConfigParser::Impl::ApplyFlags(const CLI::App& app) {
  if (!app.remaining().empty()) {
    return InvalidArgument(Quote(app.remaining().front()) +
                           ": wanted an argument that --help lists");
  }
  for (const ConfigSetting& setting : settings) {
    const Option& option = options[setting.flag];
    const std::string place = "--" + setting.flag;
    if (option.option->count() > 1) {
      return InvalidArgument(place + ": wanted once, got " +
                             std::to_string(option.option->count()) + " times");
    }
    if (option.option->count() == 1) RETURN_IF_ERROR(Set(setting, place, option.value));
  }
  return OkStatus();
}

Status ConfigParser::Impl::Apply(const CLI::App& app, const Environment& environment) {
  std::string name;
  if (config_path.empty()) {
    config_path = FromEnvironment(environment, "config", name).value_or("");
  }
  if (!config_path.empty()) RETURN_IF_ERROR(ApplyFile(config_path));
  RETURN_IF_ERROR(ApplyEnvironment(environment));
  RETURN_IF_ERROR(ApplyFlags(app));
  for (const auto& check : checks) RETURN_IF_ERROR(check());
  warnings.clear();
  if (environment("LD_PRELOAD").has_value()) warnings.push_back("LD_PRELOAD is set");
  return OkStatus();
}

ConfigParser::ConfigParser(const std::string& program, const std::string& description)
    : impl_(std::make_unique<Impl>()) {
  impl_->program = program;
  impl_->description = description;
}

ConfigParser::~ConfigParser() = default;

void ConfigParser::Add(const std::string& flag, std::string& field, const std::string& help) {
  impl_->Add(TextSetting(field), flag, help);
}

void ConfigParser::Add(const std::string& flag, bool& field, const std::string& help) {
  impl_->Add(BoolSetting(field), flag, help);
}

void ConfigParser::Add(const std::string& flag, double& field, const std::string& help,
                       double minimum, double maximum) {
  impl_->Add(DoubleSetting(field, minimum, maximum), flag, help);
}

void ConfigParser::Add(const std::string& flag, int32_t& field, const std::string& help,
                       int32_t minimum, int32_t maximum) {
  impl_->Add(IntegerSetting(field, minimum, maximum), flag, help);
}

void ConfigParser::Add(const std::string& flag, uint32_t& field, const std::string& help,
                       uint32_t minimum, uint32_t maximum) {
  impl_->Add(IntegerSetting(field, minimum, maximum), flag, help);
}

void ConfigParser::Add(const std::string& flag, int64_t& field, const std::string& help,
                       int64_t minimum, int64_t maximum) {
  impl_->Add(IntegerSetting(field, minimum, maximum), flag, help);
}

void ConfigParser::Add(const std::string& flag, uint64_t& field, const std::string& help,
                       uint64_t minimum, uint64_t maximum) {
  impl_->Add(IntegerSetting(field, minimum, maximum), flag, help);
}

void ConfigParser::Add(const std::string& flag, Duration& field, const std::string& help,
                       Duration minimum, Duration maximum) {
  impl_->Add(DurationSetting(field, minimum, maximum), flag, help);
}

void ConfigParser::Add(const std::string& flag, std::vector<std::string>& field,
                       const std::string& help) {
  impl_->Add(ListSetting(field), flag, help);
}

void ConfigParser::Add(const std::string& flag, std::vector<uint32_t>& field,
                       const std::string& help, uint32_t minimum, uint32_t maximum) {
  impl_->Add(IntegersSetting(field, minimum, maximum), flag, help);
}

void ConfigParser::AddBytes(const std::string& flag, uint64_t& field, const std::string& help,
                            uint64_t minimum, uint64_t maximum) {
  impl_->Add(BytesSetting(field, minimum, maximum), flag, help);
}

void ConfigParser::AddPort(const std::string& flag, uint16_t& field, const std::string& help,
                           bool allow_any) {
  const uint16_t minimum = allow_any ? 0 : 1;
  impl_->Add(IntegerSetting(field, minimum, uint16_t{UINT16_MAX}), flag, help);
}

void ConfigParser::AddChoice(const std::string& flag, std::string& field, const std::string& help,
                             const std::vector<std::string>& choices) {
  impl_->Add(ChoiceSetting(field, choices), flag, help);
}

void ConfigParser::AddPositional(const std::string& name, std::string& field,
                                 const std::string& help, bool required) {
  impl_->positionals.push_back({name, help, &field, required});
}

void ConfigParser::AddCheck(std::function<Status()> check) {
  impl_->checks.push_back(std::move(check));
}

std::optional<int> ConfigParser::Parse(int argc, const char* const* argv) {
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  return Parse(arguments, SystemEnvironment(), std::cout, std::cerr);
}

std::optional<int> ConfigParser::Parse(const std::vector<std::string>& arguments,
                                       const Environment& environment, std::ostream& out,
                                       std::ostream& err) {
  try {
    CLI::App app(impl_->description, impl_->program);
    impl_->Declare(app);
    StatusOr<std::vector<std::string>> separated = impl_->Separated(arguments);
    if (!separated.ok()) {
      err << impl_->program << ": " << Message(separated.status()) << "\n";
      return kExitConfig;
    }
    try {
      std::reverse(separated->begin(), separated->end());  // CLI11 takes them from the end
      app.parse(*std::move(separated));
    } catch (const CLI::ParseError& error) {
      // Help and version are errors of code 0 here; CLI11 knows what to print for them.
      if (error.get_exit_code() == 0) return app.exit(error, out, err);
      err << impl_->program << ": " << error.what() << "\n";
      return kExitConfig;
    }
    if (const Status status = impl_->Apply(app, environment); !status.ok()) {
      err << impl_->program << ": " << Message(status) << "\n";
      return kExitConfig;
    }
  } catch (const CLI::Error& error) {
    err << impl_->program << ": " << error.what() << "\n";
    return kExitConfig;
  }
  if (!impl_->print_config) return std::nullopt;
  out << Print();
  return 0;
}

std::vector<std::string> ConfigParser::SharedVariables() const {
  const std::string prefix = std::string(kSharedPrefix) + "_";
  std::vector<std::string> names = {prefix + EnvironmentName("config")};
  for (const ConfigSetting& setting : impl_->settings) {
    names.push_back(prefix + EnvironmentName(setting.flag));
  }
  return names;
}

std::string ConfigParser::Print() const {
  std::string text;
  for (const ConfigSetting& setting : impl_->settings) {
    text += "# " + setting.help + "\n" + setting.flag + " = " + setting.print() + "\n";
  }
  return text;
}

const std::vector<std::string>& ConfigParser::warnings() const { return impl_->warnings; }

}  // namespace windrose
