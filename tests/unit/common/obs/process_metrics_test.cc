#include <gtest/gtest.h>

#include <string>

#include "common/obs/metric_registry.h"

namespace windrose {
namespace {

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ProcessMetrics, TellAboutTheProcess) {
  MetricRegistry registry;
  registry.AddProcessMetrics({"1.2.3", "abc"});
  const std::string text = registry.Text();
  EXPECT_TRUE(Contains(text, "version=\"1.2.3\""));
  EXPECT_TRUE(Contains(text, "revision=\"abc\""));
  for (const std::string name : {"process_open_fds", "process_resident_memory_bytes",
                                 "process_start_time_seconds", "process_threads"}) {
    const size_t at = text.find("\n" + name + " ");
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_GT(std::stod(text.substr(at + name.size() + 2)), 0.0) << name;
  }
}

TEST(ProcessMetrics, CountProcessorTimeUpwards) {
  MetricRegistry registry;
  registry.AddProcessMetrics();
  const auto seconds = [&] {
    const std::string text = registry.Text();
    return std::stod(text.substr(text.find("\nprocess_cpu_seconds_total ") + 27));
  };
  const double before = seconds();
  double later = seconds();
  for (int i = 0; i < 1000 && later <= before; ++i) later = seconds();
  EXPECT_GT(later, before);
}

}  // namespace
}  // namespace windrose
