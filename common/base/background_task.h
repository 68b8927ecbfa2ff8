// BackgroundTask: one long piece of work on a thread of its own, whose owner looks now and then
// whether it is done, or is told.
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

  enum class Priority {
    kNormal,
    kLowest,  // of processor and disk: whatever else the process does goes first
  };

  // `on_done`, if there is one, is called on the task's thread once result() has a value.
  explicit BackgroundTask(Work work, Priority priority = Priority::kLowest,
                          std::function<void()> on_done = nullptr);
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
