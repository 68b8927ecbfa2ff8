// WeightLoading: reads the weights of a process into memory, and compares converted ones with their
// hashes.
//
// Mapped weights can be computed with at once, since pages that are missing come when they are
// touched. So a process may serve while its weights are read: in the background, at the lowest
// priority, and in the order in which the first requests want them. Owned by main; its thread only,
// but for the numbers. Destruction ends a reading under way.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/base/background_task.h"
#include "common/base/status.h"
#include "common/model/weight_storage.h"

namespace windrose {

class WeightLoading {
 public:
  // `when` the weights are compared with their hashes: "background", while the process serves;
  // "before-ready", before this returns, with what came out; or "off", which reads them in the
  // background all the same. Once.
  Status Start(const std::string& when, std::shared_ptr<const WeightStorage> weights);

  // What came out in the background, once; nullopt before and afterwards. Not OK means that
  // whatever was computed with the weights is worth nothing.
  std::optional<Status> TakeResult();

  // How much has been read. Thread-safe.
  uint64_t bytes_read() const { return bytes_read_.load(); }
  // Whether all that has a hash was compared and found to agree. Thread-safe.
  bool verified() const { return verified_.load(); }

 private:
  Status Read(WeightStorage::Compare compare, const WeightStorage& weights,
              const std::atomic<bool>& stop);

  std::atomic<uint64_t> bytes_read_{0};
  std::atomic<bool> verified_{false};
  std::unique_ptr<BackgroundTask> task_;  // null when there is none; last, since it uses the others
};

}  // namespace windrose
