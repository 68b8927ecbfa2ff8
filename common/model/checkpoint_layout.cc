#include "common/model/checkpoint_layout.h"

#include <algorithm>

#include "common/tensor/packed_layout.h"

namespace windrose {

std::string ExpertFileName(ExpertId expert) {
  const std::string number = std::to_string(expert.value());
  return "expert-" + (number.size() < 2 ? "0" + number : number) + ".safetensors";
}

uint64_t StoredBytes(const std::vector<uint64_t>& shape, DType format) {
  if (IsPacked(format)) return PackedMatrixBytes(format, shape.front(), shape.back());
  uint64_t bytes = SizeOf(format);
  for (const uint64_t dimension : shape) bytes *= dimension;
  return bytes;
}

DType StoredFormat(const TensorSpec& tensor, DType wanted, DType source) {
  if (IsNorm(tensor) || IsGate(tensor)) return source;
  if (!IsPacked(wanted)) return wanted;
  if (tensor.name == kEmbeddingTensor) return source;
  return tensor.name == kHeadTensor && IsQuantized(wanted) ? DType::kQ8 : wanted;
}

std::vector<StoredFile> StoredFiles(const MixtralConfig& config, DType wanted,
                                    const SourceFormat& source_format) {
  std::vector<StoredFile> files = {{kCoordinatorFile, {}}};
  for (ExpertId expert{0}; expert.value() < config.experts; ++expert) {
    files.push_back({ExpertFileName(expert), {}});
  }
  for (TensorSpec& spec : TensorsOf(config)) {
    StoredFile& file = spec.of_expert ? files[1 + spec.expert.value()] : files[0];
    const DType format = StoredFormat(spec, wanted, source_format(spec));
    file.tensors.push_back({std::move(spec), format});
  }
  for (StoredFile& file : files) {
    std::stable_partition(file.tensors.begin(), file.tensors.end(), [](const StoredTensor& tensor) {
      return StoredBytes(tensor.spec.shape, tensor.format) % kPackedAlignment == 0;
    });
  }
  return files;
}

}  // namespace windrose
