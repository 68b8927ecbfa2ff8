#include "common/obs/metric_registry.h"

#include <prometheus/check_names.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <sstream>

#include "common/base/check.h"
#include "common/base/mutex.h"

namespace windrose {

void Counter::Inc(double amount) const {
  if (impl_ != nullptr && amount > 0) static_cast<prometheus::Counter*>(impl_)->Increment(amount);
}

double Counter::value() const {
  return impl_ == nullptr ? 0.0 : static_cast<prometheus::Counter*>(impl_)->Value();
}

void Gauge::Set(double value) const {
  if (impl_ != nullptr) static_cast<prometheus::Gauge*>(impl_)->Set(value);
}

void Gauge::Add(double amount) const {
  if (impl_ != nullptr) static_cast<prometheus::Gauge*>(impl_)->Increment(amount);
}

double Gauge::value() const {
  return impl_ == nullptr ? 0.0 : static_cast<prometheus::Gauge*>(impl_)->Value();
}

void Histogram::Observe(double value) const {
  if (impl_ != nullptr) static_cast<prometheus::Histogram*>(impl_)->Observe(value);
}

Buckets ExponentialBuckets(double first, double factor, size_t count) {
  Buckets bounds;
  for (double bound = first; bounds.size() < count; bound *= factor) bounds.push_back(bound);
  return bounds;
}

Buckets LatencyBuckets() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
          0.25,   0.5,     1.0,    2.5,   5.0,    10.0,  25.0, 50.0,  100.0};
}

struct MetricRegistry::Impl {
  explicit Impl(size_t series_per_name_in) : series_per_name(series_per_name_in) {}

  // Whether the series may be added or is there already.
  bool AdmitsSeries(const std::string& name, const std::string& help,
                    const prometheus::Labels& labels) WINDROSE_REQUIRES(mutex) {
    CHECK(prometheus::CheckMetricName(name));
    CHECK(!help.empty());
    return series[name].contains(labels) || series[name].size() < series_per_name;
  }

  // The series of the family `name`, made by `builder` when it is new.
  template <typename Metric, typename Builder, typename... Args>
  void* AddSeries(Builder builder, const std::string& name, const std::string& help,
                  const MetricLabels& labels, Args&&... args) {
    const prometheus::Labels label_map(labels.begin(), labels.end());
    MutexLock lock(mutex);
    if (!AdmitsSeries(name, help, label_map)) {
      dropped_series.Inc();
      return nullptr;
    }
    // The same name and help give the same family; the same labels the same series.
    auto& family = builder.Name(name).Help(help).Register(registry);
    Metric& metric = family.Add(label_map, std::forward<Args>(args)...);
    series[name][label_map] = [&family, &metric] { family.Remove(&metric); };
    return &metric;
  }

  const size_t series_per_name;
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
  Counter dropped_series;
  Mutex mutex;
  // By name and labels, what takes a series out.
  std::map<std::string, std::map<prometheus::Labels, std::function<void()>>> series
      WINDROSE_GUARDED_BY(mutex);
  std::vector<std::function<void()>> collectors WINDROSE_GUARDED_BY(mutex);
};

MetricRegistry::MetricRegistry(size_t series_per_name)
    : impl_(std::make_unique<Impl>(series_per_name)) {
  impl_->dropped_series =
      AddCounter("windrose_metrics_dropped_series_total",
                 "Series that were not kept because their metric has too many.");
}

MetricRegistry::~MetricRegistry() = default;

Counter MetricRegistry::AddCounter(const std::string& name, const std::string& help,
                                   const MetricLabels& labels) {
  return Counter(
      impl_->AddSeries<prometheus::Counter>(prometheus::BuildCounter(), name, help, labels));
}

Gauge MetricRegistry::AddGauge(const std::string& name, const std::string& help,
                               const MetricLabels& labels) {
  return Gauge(impl_->AddSeries<prometheus::Gauge>(prometheus::BuildGauge(), name, help, labels));
}

Histogram MetricRegistry::AddHistogram(const std::string& name, const std::string& help,
                                       const Buckets& buckets, const MetricLabels& labels) {
  return Histogram(impl_->AddSeries<prometheus::Histogram>(prometheus::BuildHistogram(), name, help,
                                                           labels, buckets));
}

void MetricRegistry::Remove(const std::string& label, const std::string& value) {
  MutexLock lock(impl_->mutex);
  for (auto& [name, known] : impl_->series) {
    std::erase_if(known, [&](const auto& series) {
      const auto found = series.first.find(label);
      if (found == series.first.end() || found->second != value) return false;
      series.second();
      return true;
    });
  }
}

void MetricRegistry::AddCollector(std::function<void()> collector) {
  MutexLock lock(impl_->mutex);
  impl_->collectors.push_back(std::move(collector));
}

std::string MetricRegistry::Text() {
  std::vector<std::function<void()>> collectors;
  {
    MutexLock lock(impl_->mutex);
    collectors = impl_->collectors;
  }
  for (const auto& collector : collectors) collector();
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, impl_->registry.Collect());
  return text.str();
}

}  // namespace windrose
