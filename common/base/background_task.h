// BackgroundTask: one long piece of work on a thread of its own and of lowest priority, whose owner
// looks now and then whether it is done.
//
// Destruction stops and joins it. Owner thread only.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "common/base/status.h"

namespace windrose {

class BackgroundTask {
 public:
  // Returns soon after `stop` has become true.
  using Work = std::function<Status(const std::atomic<bool>& stop)>;

  explicit BackgroundTask(Work work);
  ~BackgroundTask();
  BackgroundTask(const BackgroundTask&) = delete;
  BackgroundTask& operator=(const BackgroundTask&) = delete;

  // What the work returned; nullopt while it runs.
  std::optional<Status> result() const;

 private:
  std::atomic<bool> stop_{false};
  std::atomic<bool> done_{false};
  Status result_;  // written before done_
  std::thread thread_;
};

}  // namespace windrose
