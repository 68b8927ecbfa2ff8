// ManualClock: a Clock that stands still until a test moves it. Test code only.
#pragma once

#include <cstdint>

#include "common/base/time.h"

namespace windrose {

class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimePoint start = TimePoint(Seconds(1)), int64_t unix_seconds = 0)
      : now(start), unix_seconds_(unix_seconds) {}

  TimePoint Now() const override { return now; }
  int64_t UnixSeconds() const override { return unix_seconds_; }

  TimePoint now;

 private:
  const int64_t unix_seconds_;
};

}  // namespace windrose
