#include "common/model/weight_loading.h"

#include <utility>

namespace windrose {

using Compare = WeightStorage::Compare;

Status WeightLoading::Start(const std::string& when, std::shared_ptr<const WeightStorage> weights) {
  if (when == "before-ready") {
    const std::atomic<bool> never_stop{false};
    return Read(Compare::kHashes, *weights, never_stop);
  }
  const Compare compare = when == "off" ? Compare::kNothing : Compare::kHashes;
  task_ = std::make_unique<BackgroundTask>(
      [this, compare, weights = std::move(weights)](const std::atomic<bool>& stop) {
        return Read(compare, *weights, stop);
      });
  return OkStatus();
}

Status WeightLoading::Read(Compare compare, const WeightStorage& weights,
                           const std::atomic<bool>& stop) {
  RETURN_IF_ERROR(weights.Read(compare, stop, bytes_read_));
  verified_.store(compare == Compare::kHashes && weights.has_hashes());
  return OkStatus();
}

std::optional<Status> WeightLoading::TakeResult() {
  if (task_ == nullptr) return std::nullopt;
  std::optional<Status> result = task_->result();
  if (result) task_.reset();
  return result;
}

}  // namespace windrose
