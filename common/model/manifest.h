// Manifest: what stands in which file of a Windrose checkpoint, and the hash of all of it.
//
//   windrose.json = {"format": "windrose-checkpoint", "version": 3,
//                    "dtype": "pbf16" | "q8" | "q4" | "bf16",
//                    "source": [string…], "config_hash": hash, "tokenizer_hash"?: hash,
//                    "files": [file…]}
//   file          = {"name": plain name ending in .safetensors, "bytes": count,
//                    "tensors": [tensor…]}
//   tensor        = {"name": string,
//                    "format": "f32" | "f16" | "bf16" | "q8" | "q4" | "pbf16",
//                    "shape": [count] | [count, count], "hash": hash}
//   hash          = string of 32 hex digits: XXH3-128 of the bytes of the file or tensor
//
// "pbf16" is packed bf16. With "bf16" matrices stand row by row, as was done before there was
// "pbf16"; such a checkpoint is still served, more slowly. Tensors in q8 and q4 may stand together;
// pbf16 and those never do.
//
// Strict JSON; unknown keys are refused, so that a version means one thing. `source` lists what the
// checkpoint was made from, for people and for going on with an unfinished conversion. A value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/model/model_hash.h"
#include "common/tensor/dtype.h"

namespace windrose {

constexpr size_t kMaxManifestBytes = 32 << 20;
constexpr size_t kMaxManifestFiles = 4096;
constexpr size_t kMaxManifestTensors = 100'000;  // all files together
constexpr size_t kMaxManifestSources = 4096;
constexpr size_t kMaxManifestTextBytes = 1024;  // of a name and of a source

struct ManifestTensor {
  std::string name;
  DType format = DType::kBf16;
  std::vector<uint64_t> shape;  // logical
  Hash128 hash;

  bool operator==(const ManifestTensor&) const = default;
};

struct ManifestFile {
  std::string name;
  uint64_t bytes = 0;
  std::vector<ManifestTensor> tensors;

  bool operator==(const ManifestFile&) const = default;
};

struct Manifest {
  DType dtype = DType::kBf16;  // that of the matrices
  std::vector<std::string> source;
  Hash128 config_hash;
  std::optional<Hash128> tokenizer_hash;
  std::vector<ManifestFile> files;

  bool operator==(const Manifest&) const = default;
};

// INVALID_ARGUMENT names the file and tensor, the key, what was wanted and what came.
StatusOr<Manifest> ParseManifest(std::string_view json);

// A text that ParseManifest reads back as `manifest`.
std::string ToManifestJson(const Manifest& manifest);

// "f32", "f16", "bf16", "q8", "q4", "pbf16", as in manifests and on command lines.
std::string FormatName(DType format);
// The inverse; nullopt for every other name.
std::optional<DType> FormatNamed(std::string_view name);

}  // namespace windrose
