#include "common/base/time.h"

namespace windrose {

TimePoint SystemClock::Now() const { return std::chrono::steady_clock::now(); }

int64_t SystemClock::UnixSeconds() const {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count();
}

}  // namespace windrose
