// What a Windrose checkpoint consists of: a directory in which a process finds what it computes
// with, and nothing else, in files of its own, packed as the kernels want it.
//
//   config.json               the shape; its dtype is that of the tensors that are not packed
//   windrose.json             the manifest (common/model/manifest.h); is written last
//   coordinator.safetensors   everything but the experts
//   expert-00.safetensors …   one file per expert, with its matrices of all layers
//   tokenizer.model           as it came; absent when there was none
//   chat_template.jinja       likewise (common/model/chat_template_file.h); nothing computes with
//   it
//
// A packed tensor stands in safetensors as dtype "U8" with the shape [bytes]; its logical shape is
// in the manifest. Tensors whose size is a multiple of 64 bytes come first in a file, which all
// packed ones are, so that they begin at such a multiple too. Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/model/config.h"
#include "common/model/tensor_names.h"
#include "common/tensor/dtype.h"

namespace windrose {

constexpr const char* kConfigFile = "config.json";
constexpr const char* kTokenizerFile = "tokenizer.model";
constexpr const char* kChatTemplateFile = "chat_template.jinja";
constexpr const char* kManifestFile = "windrose.json";
// The manifest while files are still missing: its name says that the directory is not complete.
constexpr const char* kUnfinishedManifestFile = "windrose.json.partial";
constexpr const char* kCoordinatorFile = "coordinator.safetensors";

// "expert-05.safetensors".
std::string ExpertFileName(ExpertId expert);

struct StoredTensor {
  TensorSpec spec;
  DType format = DType::kBf16;
};

struct StoredFile {
  std::string name;
  std::vector<StoredTensor> tensors;  // in the order of their bytes
};

// Bytes of a tensor in a file. `shape` has one or two entries and fits a config's limits.
uint64_t StoredBytes(const std::vector<uint64_t>& shape, DType format);

// The format that `tensor` gets in a checkpoint of `wanted`, when its source has it in `source`, a
// plain one. Norms and gates stay as they are: they are small, and they choose the experts. With a
// packed `wanted` the embedding stays too: it is looked up and not multiplied, and is the head when
// the two are tied. A head of its own is never below q8: each step reads it once, and its errors go
// into every score with nothing behind it that would even them out. In pbf16 it is pbf16, too.
DType StoredFormat(const TensorSpec& tensor, DType wanted, DType source);

// All files of a checkpoint of `wanted`, the coordinator's first. `source_format` gives the plain
// format of a tensor where it comes from.
using SourceFormat = std::function<DType(const TensorSpec& tensor)>;
std::vector<StoredFile> StoredFiles(const MixtralConfig& config, DType wanted,
                                    const SourceFormat& source_format);

}  // namespace windrose
