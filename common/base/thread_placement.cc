#include "common/base/thread_placement.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "common/base/cpu_quota.h"

namespace windrose {
namespace {

StatusOr<uint32_t> ParseCpu(std::string_view text) {
  uint32_t cpu = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cpu);
  if (error != std::errc() || end != text.data() + text.size()) {
    return InvalidArgument("wanted processors as in 0-3,8, came \"" + std::string(text) + "\"");
  }
  if (cpu >= CPU_SETSIZE) {
    return InvalidArgument("wanted processors below " + std::to_string(CPU_SETSIZE) + ", came " +
                           std::string(text));
  }
  return cpu;
}

// "3" or "4-6".
StatusOr<std::pair<uint32_t, uint32_t>> ParseRange(std::string_view text) {
  const size_t dash = text.find('-');
  ASSIGN_OR_RETURN(const uint32_t first, ParseCpu(text.substr(0, dash)));
  if (dash == std::string_view::npos) return std::pair(first, first);
  ASSIGN_OR_RETURN(const uint32_t last, ParseCpu(text.substr(dash + 1)));
  if (last < first) {
    return InvalidArgument("wanted a rising range of processors, came " + std::string(text));
  }
  return std::pair(first, last);
}

}  // namespace

StatusOr<std::vector<uint32_t>> ParseCpus(const std::string& text) {
  std::vector<uint32_t> cpus;
  if (text.empty()) return cpus;
  std::string_view rest = text;
  while (true) {
    const size_t comma = rest.find(',');
    ASSIGN_OR_RETURN(const auto range, ParseRange(rest.substr(0, comma)));
    for (uint32_t cpu = range.first; cpu <= range.second; ++cpu) cpus.push_back(cpu);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  std::sort(cpus.begin(), cpus.end());
  if (std::adjacent_find(cpus.begin(), cpus.end()) != cpus.end()) {
    return InvalidArgument("wanted each processor once, came " + text);
  }
  return cpus;
}

std::string JoinCpus(std::span<const uint32_t> cpus) {
  std::string text;
  for (const uint32_t cpu : cpus) {
    if (!text.empty()) text += ",";
    text += std::to_string(cpu);
  }
  return text;
}

std::vector<uint32_t> UsableCpus() {
  std::vector<uint32_t> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  for (uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

Status RunOnCpus(std::span<const uint32_t> cpus) {
  const std::vector<uint32_t> usable = UsableCpus();
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const uint32_t cpu : cpus) {
    // The system would silently leave out what is not there.
    if (!std::binary_search(usable.begin(), usable.end(), cpu)) {
      return InvalidArgument("wanted processor " + std::to_string(cpu) + ", usable are " +
                             JoinCpus(usable));
    }
    CPU_SET(cpu, &set);
  }
  if (::sched_setaffinity(0, sizeof set, &set) == 0) return OkStatus();
  return InvalidArgument("the system refuses processors " + JoinCpus(cpus));
}

StatusOr<std::vector<uint32_t>> PlaceProcess(const std::string& cpus) {
  StatusOr<std::vector<uint32_t>> named = ParseCpus(cpus);
  if (!named.ok() || named->empty()) return named;
  RETURN_IF_ERROR(Annotate(RunOnCpus(*named), "--cpus"));
  return named;
}

size_t ThreadCount(uint32_t wanted, const std::string& root) {
  if (wanted > 0) return wanted;
  const size_t usable = UsableCpus().size();
  return std::min<uint64_t>(usable, ReadCpuQuota(root).value_or(usable));
}

// RunOnCpus has found that all are usable; should one have gone since, the thread runs elsewhere.
void Pin(std::span<const uint32_t> cpus, size_t index) {
  if (!cpus.empty()) (void)RunOnCpus(cpus.subspan(index % cpus.size(), 1));
}

uint32_t CurrentCpu() { return static_cast<uint32_t>(std::max(::sched_getcpu(), 0)); }

void KeepOff(std::thread& thread, std::span<const uint32_t> cpus, uint32_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const uint32_t other : cpus) {
    if (other != cpu) CPU_SET(other, &set);
  }
  // An empty set is refused, and so is one of which nothing is usable any more.
  (void)::pthread_setaffinity_np(thread.native_handle(), sizeof set, &set);
}

}  // namespace windrose
