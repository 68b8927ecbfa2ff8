#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "common/base/descriptors.h"
#include "common/base/mutex.h"
#include "common/obs/metric_registry.h"

namespace windrose {
namespace {

#if defined(__clang__)
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "gcc " __VERSION__;
#endif

// A descriptor's entry each, with "." and ".." and the folder itself not counted.
double CountOpenDescriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
  if (folder == nullptr) return 0;
  double count = -3;
  while (readdir(folder.get()) != nullptr) ++count;
  return count;
}

// Field `index` (from 0) of /proc/self/stat behind the command's closing bracket.
std::optional<double> StatField(size_t index) {
  std::ifstream file("/proc/self/stat");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const size_t bracket = text.rfind(')');
  if (bracket == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(bracket + 2));
  std::string field;
  for (size_t i = 0; i <= index; ++i) {
    if (!(fields >> field)) return std::nullopt;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return error == std::errc() ? std::optional<double>(value) : std::nullopt;
}

// When the machine was started, in seconds of the Unix epoch.
double BootTime() {
  std::ifstream file("/proc/stat");
  std::string word;
  double value = 0;
  while (file >> word) {
    if (word == "btime" && file >> value) return value;
  }
  return 0;
}

double CpuSeconds() {
  rusage usage = {};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double MostDescriptors() {
  const uint64_t limit = DescriptorLimit();
  return limit == UINT64_MAX ? 0 : static_cast<double>(limit);
}

// The handles, and what brings them up to date.
struct ProcessMetrics {
  // Places in /proc/self/stat, counted from the state letter.
  static constexpr size_t kThreads = 17;
  static constexpr size_t kVirtualBytes = 20;
  static constexpr size_t kResidentPages = 21;

  void Collect() {
    {
      // Scrapes may overlap; without the lock both would add the same seconds.
      MutexLock lock(mutex);
      cpu_seconds.RaiseTo(CpuSeconds());
    }
    open_descriptors.Set(CountOpenDescriptors());
    threads.Set(StatField(kThreads).value_or(0));
    virtual_bytes.Set(StatField(kVirtualBytes).value_or(0));
    resident_bytes.Set(StatField(kResidentPages).value_or(0) *
                       static_cast<double>(sysconf(_SC_PAGESIZE)));
  }

  Mutex mutex;
  Counter cpu_seconds;
  Gauge open_descriptors;
  Gauge threads;
  Gauge virtual_bytes;
  Gauge resident_bytes;
};

}  // namespace

void MetricRegistry::AddProcessMetrics(const BuildInfo& build) {
  constexpr size_t kStartTicks = 19;
  AddGauge("windrose_build_info", "What is running; always 1.",
           {{"version", build.version}, {"revision", build.revision}, {"compiler", kCompiler}})
      .Set(1);
  AddGauge("process_start_time_seconds", "Start of the process, in seconds of the Unix epoch.")
      .Set(BootTime() +
           StatField(kStartTicks).value_or(0) / static_cast<double>(sysconf(_SC_CLK_TCK)));
  AddGauge("process_max_fds", "Descriptors that the process may have.").Set(MostDescriptors());
  auto metrics = std::make_shared<ProcessMetrics>();
  metrics->cpu_seconds =
      AddCounter("process_cpu_seconds_total", "Processor time used, user and system.");
  metrics->open_descriptors = AddGauge("process_open_fds", "Descriptors that are open.");
  metrics->threads = AddGauge("process_threads", "Threads of the process.");
  metrics->virtual_bytes = AddGauge("process_virtual_memory_bytes", "Address space in use.");
  metrics->resident_bytes = AddGauge("process_resident_memory_bytes", "Memory in use.");
  AddCollector([metrics] { metrics->Collect(); });
}

}  // namespace windrose
