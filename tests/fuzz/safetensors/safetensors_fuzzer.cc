// Any bytes as a safetensors file, as its index, as a config.json and as a windrose.json: an error
// or tensors that fit, never worse.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/base/check.h"
#include "common/model/checkpoint_layout.h"
#include "common/model/config.h"
#include "common/model/manifest.h"
#include "common/model/mapped_file.h"
#include "common/model/safetensors.h"
#include "common/model/shard_index.h"

namespace {

void CheckTensors(std::span<const std::byte> file) {
  const auto tensors = windrose::ParseSafetensorsHeader(file, file.size());
  if (!tensors.ok()) return;
  uint64_t bytes = 0;
  for (const auto& [name, tensor] : *tensors) {
    CHECK(tensor.begin <= tensor.end && tensor.end <= file.size());
    bytes += tensor.bytes();
  }
  CHECK(bytes <= file.size());
}

void CheckIndex(std::string_view text) {
  const auto files = windrose::ParseShardIndex(text);
  if (!files.ok()) return;
  CHECK(!files->empty());
  for (const auto& [tensor, file] : *files) {
    CHECK(windrose::CheckPlainFileName(file).ok() && file.ends_with(".safetensors"));
  }
}

void CheckConfig(std::string_view text) {
  const auto config = windrose::ParseMixtralConfig(text);
  if (!config.ok()) return;
  CHECK(config->head_dim > 0 && config->heads % config->kv_heads == 0);
  const auto again = windrose::ParseMixtralConfig(windrose::ToConfigJson(*config));
  CHECK(again.ok() && *again == *config);
}

void CheckManifest(std::string_view text) {
  const auto manifest = windrose::ParseManifest(text);
  if (!manifest.ok()) return;
  for (const windrose::ManifestFile& file : manifest->files) {
    uint64_t bytes = 0;
    for (const windrose::ManifestTensor& tensor : file.tensors) {
      bytes += windrose::StoredBytes(tensor.shape, tensor.format);
      // Rows are prepared once for all matrices, so these stand alone.
      CHECK(tensor.format != windrose::DType::kPackedBf16 || manifest->dtype == tensor.format);
      CHECK(!windrose::IsQuantized(tensor.format) || windrose::IsQuantized(manifest->dtype));
    }
    CHECK(bytes < file.bytes);
  }
  const auto again = windrose::ParseManifest(windrose::ToManifestJson(*manifest));
  CHECK(again.ok() && *again == *manifest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CheckTensors(std::as_bytes(std::span(data, size)));
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckIndex(text);
  CheckConfig(text);
  CheckManifest(text);
  return 0;
}
