// What the server's tests share: a served model, numbers that are known, and a Status taken apart.
#pragma once

#include <string>

#include "common/base/random.h"
#include "coordinator/server/error_detail.h"
#include "coordinator/server/served_model.h"
#include "google/rpc/status.pb.h"
#include "tests/unit/coordinator/text/mixtral.h"
#include "windrose/inference/v1/inference.pb.h"

namespace windrose {

inline ServedModel MixtralModel(uint32_t context_length) {
  return {.id = "mixtral",
          .aliases = {"mixtral-8x7b", "mistralai/Mixtral-8x7B-Instruct-v0.1"},
          .context_length = context_length,
          .vocabulary_size = 32000,
          .model_hash = "abcd",
          .system_fingerprint = "fp_test"};
}

class CountingEntropy final : public Entropy {
 public:
  uint64_t Next() override { return ++last_; }

 private:
  uint64_t last_ = 0;
};

// "code param" of the detail that a client would see.
inline std::string DetailText(const Status& status) {
  google::rpc::Status details;
  inference::v1::ErrorDetail detail;
  const bool readable = details.ParseFromString(ToGrpcStatus(status, 0).error_details());
  if (!readable || !details.details(0).UnpackTo(&detail)) return "unreadable";
  return detail.code() + " " + detail.param();
}

}  // namespace windrose
