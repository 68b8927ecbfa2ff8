// MetricRegistry: counters, gauges and histograms, and their text for Prometheus.
//
// A library has one probe struct of handles with verbs; main registers it. Handles are small values
// that point into the registry, which must outlive them; a default-made handle counts nothing, so
// that tests need no registry. Label values come from closed sets; beyond `series_per_name` a
// series is dropped and counted. Everything is thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace windrose {

// Goes up.
class Counter {
 public:
  Counter() = default;
  void Inc(double amount = 1.0) const;  // negative amounts are ignored
  // To a number that is counted elsewhere and only rises; by one thread at a time.
  void RaiseTo(double total) const { Inc(total - value()); }
  double value() const;

 private:
  friend class MetricRegistry;
  explicit Counter(void* impl) : impl_(impl) {}
  void* impl_ = nullptr;
};

// Goes up and down.
class Gauge {
 public:
  Gauge() = default;
  void Set(double value) const;
  void Add(double amount) const;  // may be negative
  double value() const;

 private:
  friend class MetricRegistry;
  explicit Gauge(void* impl) : impl_(impl) {}
  void* impl_ = nullptr;
};

// Counts observations by size.
class Histogram {
 public:
  Histogram() = default;
  void Observe(double value) const;

 private:
  friend class MetricRegistry;
  explicit Histogram(void* impl) : impl_(impl) {}
  void* impl_ = nullptr;
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// Upper bounds of buckets, rising; +Inf is added.
using Buckets = std::vector<double>;
// `count` bounds from `first`, each `factor` times the last.
Buckets ExponentialBuckets(double first, double factor, size_t count);
// 100 µs to about 100 s, for everything that a request waits for.
Buckets LatencyBuckets();

// What a process says of itself in windrose_build_info.
struct BuildInfo {
  std::string version = WINDROSE_VERSION;
  std::string revision = "unknown";
};

class MetricRegistry {
 public:
  explicit MetricRegistry(size_t series_per_name = 1024);
  ~MetricRegistry();
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  // A series of the metric `name`. The same name again, with other label values, adds a series;
  // with the same ones it is the same series. Names and help are checked: a bad one is our bug.
  Counter AddCounter(const std::string& name, const std::string& help,
                     const MetricLabels& labels = {});
  Gauge AddGauge(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  Histogram AddHistogram(const std::string& name, const std::string& help, const Buckets& buckets,
                         const MetricLabels& labels = {});

  // Takes out every series that has this label with this value, as those of a peer that is no more.
  // Their handles must not be used again.
  void Remove(const std::string& label, const std::string& value);

  // Runs before each Text(), to bring gauges up to date. Must not call the registry's Add
  // functions.
  void AddCollector(std::function<void()> collector);

  // process_* (CPU seconds, memory, descriptors, start time) and windrose_build_info.
  void AddProcessMetrics(const BuildInfo& build = {});

  // Prometheus text format 0.0.4.
  std::string Text();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace windrose
