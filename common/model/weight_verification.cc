#include "common/model/weight_verification.h"

#include <atomic>
#include <utility>

namespace windrose {

Status WeightVerification::Start(const std::string& when,
                                 std::shared_ptr<const WeightStorage> weights) {
  if (when == "off" || !weights->has_hashes()) return OkStatus();
  if (when == "before-ready") {
    const std::atomic<bool> never_stop{false};
    return weights->VerifyHashes(never_stop);
  }
  task_ = std::make_unique<BackgroundTask>(
      [weights = std::move(weights)](const std::atomic<bool>& stop) {
        return weights->VerifyHashes(stop);
      });
  return OkStatus();
}

std::optional<Status> WeightVerification::TakeResult() {
  if (task_ == nullptr) return std::nullopt;
  std::optional<Status> result = task_->result();
  if (result) task_.reset();
  return result;
}

}  // namespace windrose
