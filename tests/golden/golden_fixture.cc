#include "tests/golden/golden_fixture.h"

#include <cstring>
#include <memory>

#include "common/model/mapped_file.h"
#include "common/model/safetensors.h"

namespace windrose {
namespace {

// The tensors of one file, by name.
class Fields {
 public:
  static StatusOr<Fields> Open(const std::string& directory) {
    Fields fields;
    ASSIGN_OR_RETURN(fields.file_, MappedFile::Open(directory, "expected.safetensors"));
    const auto bytes = fields.file_->bytes();
    ASSIGN_OR_RETURN(fields.entries_, ParseSafetensorsHeader(bytes, bytes.size()));
    return fields;
  }

  bool Has(const std::string& name) const { return entries_.contains(name); }

  // The values of `name`. `shape` must be the tensor's; a 0 in it stands for any size.
  template <typename Value>
  StatusOr<std::vector<Value>> Read(const std::string& name, const std::string& dtype,
                                    const std::vector<uint64_t>& shape) const {
    const auto found = entries_.find(name);
    if (found == entries_.end()) return InvalidArgument("expected.safetensors lacks " + name);
    const TensorEntry& entry = found->second;
    bool fits = entry.dtype == dtype && entry.shape.size() == shape.size();
    for (size_t axis = 0; fits && axis < shape.size(); ++axis) {
      fits = shape[axis] == 0 || shape[axis] == entry.shape[axis];
    }
    if (!fits) return InvalidArgument(name + " has another shape or dtype than the model asks for");
    std::vector<Value> values(entry.bytes() / sizeof(Value));
    std::memcpy(values.data(), file_->bytes().data() + entry.begin, entry.bytes());
    return values;
  }

  template <typename Id>
  StatusOr<std::vector<Id>> ReadIds(const std::string& name,
                                    const std::vector<uint64_t>& shape) const {
    ASSIGN_OR_RETURN(const std::vector<uint32_t> values, Read<uint32_t>(name, "I32", shape));
    std::vector<Id> ids;
    ids.reserve(values.size());
    for (const uint32_t value : values) ids.emplace_back(value);
    return ids;
  }

 private:
  std::shared_ptr<const MappedFile> file_;
  TensorEntries entries_;
};

StatusOr<GoldenRun> ReadRun(const Fields& fields, const std::string& prefix,
                            const MixtralConfig& config) {
  GoldenRun run;
  ASSIGN_OR_RETURN(run.prompt, fields.ReadIds<TokenId>(prefix + "prompt", {0}));
  ASSIGN_OR_RETURN(run.greedy, fields.ReadIds<TokenId>(prefix + "greedy", {0}));
  if (run.prompt.empty() || run.greedy.empty()) return InvalidArgument(prefix + " has no tokens");
  const std::vector<uint64_t> gates = {config.layers, run.fed_count(), config.top_k};
  ASSIGN_OR_RETURN(run.logits, fields.Read<float>(prefix + "logits", "F32",
                                                  {run.prompt.size(), config.vocabulary}));
  ASSIGN_OR_RETURN(run.experts, fields.ReadIds<ExpertId>(prefix + "experts", gates));
  ASSIGN_OR_RETURN(run.weights, fields.Read<float>(prefix + "weights", "F32", gates));
  return run;
}

}  // namespace

StatusOr<std::vector<GoldenRun>> LoadGoldenRuns(const std::string& directory,
                                                const MixtralConfig& config) {
  ASSIGN_OR_RETURN(const Fields fields, Fields::Open(directory));
  std::vector<GoldenRun> runs;
  while (fields.Has(std::to_string(runs.size()) + ".prompt")) {
    ASSIGN_OR_RETURN(GoldenRun run, ReadRun(fields, std::to_string(runs.size()) + ".", config));
    runs.push_back(std::move(run));
  }
  if (runs.empty()) return InvalidArgument(directory + "/expected.safetensors has no runs");
  return runs;
}

}  // namespace windrose
