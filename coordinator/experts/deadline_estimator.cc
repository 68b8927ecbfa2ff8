#include "coordinator/experts/deadline_estimator.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace windrose {
namespace {

constexpr double kNewestWeight = 0.1;

size_t SizeClass(size_t rows, size_t class_count) {
  return std::min<size_t>(static_cast<size_t>(std::bit_width(rows)), class_count - 1);
}

}  // namespace

void DeadlineEstimator::Observe(size_t rows, Duration round_trip) {
  double& average = average_[SizeClass(rows, kClasses)];
  const auto latest = static_cast<double>(round_trip.count());
  average = average == 0 ? latest : average + kNewestWeight * (latest - average);
}

Duration DeadlineEstimator::Limit(size_t rows, uint32_t attempt) const {
  const double expected = Expected(SizeClass(rows, kClasses));
  const double wanted =
      expected > 0 ? expected * limits_.tolerance : static_cast<double>(limits_.initial.count());
  double limit = std::max(static_cast<double>(limits_.floor.count()), wanted);
  limit = std::ldexp(limit, static_cast<int>(std::min(attempt, 10U)));
  return Duration(
      static_cast<int64_t>(std::min(limit, static_cast<double>(limits_.ceiling.count()))));
}

double DeadlineEstimator::Expected(size_t size_class) const {
  if (average_[size_class] > 0) return average_[size_class];
  for (size_t smaller = size_class; smaller-- > 0;) {
    // Twice the rows take at most twice the time.
    if (average_[smaller] > 0) {
      return std::ldexp(average_[smaller], static_cast<int>(size_class - smaller));
    }
  }
  for (size_t larger = size_class; larger < kClasses; ++larger) {
    if (average_[larger] > 0) return average_[larger];
  }
  return 0;
}

}  // namespace windrose
