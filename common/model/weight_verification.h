// WeightVerification: compares a converted model's bytes with its hashes, when the process wants
// it.
//
// Owned by main; its thread only. Destruction ends a comparison under way.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/base/background_task.h"
#include "common/base/status.h"
#include "common/model/weight_storage.h"

namespace windrose {

class WeightVerification {
 public:
  // `when` is "off"; "before-ready", which returns what came out; or "background". Without hashes
  // there is nothing to do.
  Status Start(const std::string& when, std::shared_ptr<const WeightStorage> weights);

  // What came out in the background, once; nullopt before and afterwards. Not OK means that
  // whatever was computed with the weights is worth nothing.
  std::optional<Status> TakeResult();

 private:
  std::unique_ptr<BackgroundTask> task_;  // null when there is none
};

}  // namespace windrose
