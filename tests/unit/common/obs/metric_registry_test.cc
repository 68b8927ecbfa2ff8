#include "common/obs/metric_registry.h"

#include <gtest/gtest.h>

#include <string>

namespace windrose {
namespace {

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(MetricRegistry, WritesThePrometheusText) {
  MetricRegistry registry;
  registry.AddCounter("windrose_test_requests_total", "Requests.", {{"code", "200"}}).Inc();
  registry.AddCounter("windrose_test_requests_total", "Requests.", {{"code", "500"}}).Inc(2);
  registry.AddGauge("windrose_test_queue", "Queue.").Set(2.5);
  const Histogram histogram =
      registry.AddHistogram("windrose_test_seconds", "Time.", {0.1, 1.0}, {{"stage", "gate"}});
  histogram.Observe(0.05);
  histogram.Observe(5);
  const std::string text = registry.Text();
  EXPECT_TRUE(Contains(text, "# HELP windrose_test_requests_total Requests.\n"));
  EXPECT_TRUE(Contains(text, "# TYPE windrose_test_requests_total counter\n"));
  EXPECT_TRUE(Contains(text, "windrose_test_requests_total{code=\"200\"} 1\n"));
  EXPECT_TRUE(Contains(text, "windrose_test_requests_total{code=\"500\"} 2\n"));
  EXPECT_TRUE(Contains(text, "windrose_test_queue 2.5\n"));
  EXPECT_TRUE(Contains(text, "windrose_test_seconds_bucket{stage=\"gate\",le=\"0.1\"} 1\n"));
  EXPECT_TRUE(Contains(text, "windrose_test_seconds_bucket{stage=\"gate\",le=\"+Inf\"} 2\n"));
  EXPECT_TRUE(Contains(text, "windrose_test_seconds_count{stage=\"gate\"} 2\n"));
}

TEST(MetricRegistry, GivesTheSameSeriesForTheSameLabels) {
  MetricRegistry registry;
  const MetricLabels labels = {{"expert", "3"}};
  const Counter first = registry.AddCounter("windrose_test_total", "Test.", labels);
  first.Inc();
  registry.AddCounter("windrose_test_total", "Test.", labels).Inc();
  EXPECT_EQ(first.value(), 2.0);
}

TEST(MetricRegistry, DropsSeriesBeyondTheLimit) {
  MetricRegistry registry(2);
  for (int i = 0; i < 5; ++i) {
    registry.AddCounter("windrose_test_total", "Test.", {{"i", std::to_string(i)}}).Inc();
  }
  const std::string text = registry.Text();
  EXPECT_TRUE(Contains(text, "i=\"1\""));
  EXPECT_FALSE(Contains(text, "i=\"2\""));
  EXPECT_TRUE(Contains(text, "windrose_metrics_dropped_series_total 3\n"));
}

TEST(MetricRegistry, TakesASeriesOutAndItsPlaceWithIt) {
  MetricRegistry registry(2);
  for (int i = 0; i < 5; ++i) {
    const MetricLabels labels = {{"i", std::to_string(i)}};
    registry.AddGauge("windrose_test", "Test.", labels).Set(1);
    if (i > 0) registry.Remove("i", std::to_string(i));
  }
  registry.Remove("i", "7");
  registry.Remove("j", "0");
  registry.AddGauge("windrose_test", "Test.", {{"i", "1"}});
  const std::string text = registry.Text();
  EXPECT_TRUE(Contains(text, "windrose_test{i=\"0\"} 1\n"));
  EXPECT_TRUE(Contains(text, "windrose_test{i=\"1\"} 0\n")) << "a new one";
  EXPECT_FALSE(Contains(text, "i=\"4\""));
  EXPECT_TRUE(Contains(text, "windrose_metrics_dropped_series_total 0\n"));
}

TEST(MetricRegistry, EscapesLabelValues) {
  MetricRegistry registry;
  registry.AddGauge("windrose_test", "Test.", {{"peer", "a\"b\\c\nd"}}).Set(1);
  EXPECT_TRUE(Contains(registry.Text(), "peer=\"a\\\"b\\\\c\\nd\""));
}

TEST(MetricRegistry, HandlesWithoutARegistryCountNothing) {
  const Counter counter;
  counter.Inc();
  Gauge().Set(1);
  Histogram().Observe(1);
  EXPECT_EQ(counter.value(), 0.0);
}

TEST(MetricRegistry, NeverCountsBackwards) {
  MetricRegistry registry;
  const Counter counter = registry.AddCounter("windrose_test_total", "Test.");
  counter.Inc(-5);
  EXPECT_EQ(counter.value(), 0.0);
}

TEST(MetricRegistry, RunsCollectorsBeforeTheText) {
  MetricRegistry registry;
  const Gauge gauge = registry.AddGauge("windrose_test", "Test.");
  registry.AddCollector([gauge] { gauge.Add(1); });
  registry.Text();
  EXPECT_TRUE(Contains(registry.Text(), "windrose_test 2\n"));
}

TEST(MetricRegistry, MakesBuckets) {
  EXPECT_EQ(ExponentialBuckets(1, 2, 4), (Buckets{1, 2, 4, 8}));
  EXPECT_EQ(ExponentialBuckets(1, 2, 0), Buckets{});
}

}  // namespace
}  // namespace windrose
