#include "cli/convert/open_source.h"

#include <utility>

#include "cli/convert/checkpoint_source.h"
#include "cli/convert/gguf_weight_source.h"

namespace windrose::cli {

StatusOr<std::unique_ptr<WeightSource>> OpenSource(const std::string& path) {
  if (path.ends_with(".gguf")) {
    ASSIGN_OR_RETURN(std::unique_ptr<WeightSource> source, GgufWeightSource::Open(path));
    return source;
  }
  ASSIGN_OR_RETURN(std::unique_ptr<WeightSource> source, CheckpointSource::Open(path));
  return source;
}

}  // namespace windrose::cli
