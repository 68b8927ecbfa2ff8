// Writes a whole Windrose checkpoint from a source of weights.
//
// Each file is written as NAME.partial and renamed when it is on disk; the manifest grows in
// windrose.json.partial and becomes windrose.json last. So a directory is never taken for complete
// before it is, and what was killed goes on with the first file that is not there. A source that
// changes meanwhile ends it: FAILED_PRECONDITION. Owner thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cli/convert/weight_source.h"
#include "common/base/status.h"
#include "common/tensor/dtype.h"

namespace windrose::cli {

struct ConversionOptions {
  std::string destination;   // a directory; made when it is not there
  DType dtype = DType::kQ4;  // a packed one; or bf16, which reads more slowly
  uint32_t threads = 0;      // 0: one for each processor
};

// Called now and then with the bytes that are written and those to be written in all; the first
// call comes before the first byte, with what an earlier run has left.
using ConversionProgress = std::function<void(uint64_t bytes, uint64_t total_bytes)>;

// OK also when the destination holds the same conversion complete. ALREADY_EXISTS when it holds
// another model, FAILED_PRECONDITION when it holds files of a conversion from another source or to
// another dtype, or another process is writing there; RESOURCE_EXHAUSTED when its disk is too
// small.
Status Convert(const WeightSource& source, const ConversionOptions& options,
               const ConversionProgress& on_progress);

}  // namespace windrose::cli
