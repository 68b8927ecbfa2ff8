// GgufSource: a Mixtral in a GGUF file, or in a split of several, read as if it were a Hugging Face
// directory.
//
// Open reads the headers; every tensor must be one that the config calls for, with its shape and in
// a format that CanDecode, as in Checkpoint. Names, shapes and the order of rows are those of
// common/model/tensor_names.h. The files are mapped and nothing is copied but the rows that are
// asked for. A value that shares the mappings; immutable: thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/model/chat_template_file.h"
#include "common/model/config.h"

namespace windrose {

class GgufSource {
 public:
  // `path` is the file, or the first of a split. INVALID_ARGUMENT or NOT_FOUND name the file, key
  // or tensor, what was wanted and what came.
  static StatusOr<GgufSource> Open(const std::string& path);

  // As the keys have it; `dtype` is what the experts are in, or BF16 when they are quantised.
  const MixtralConfig& config() const { return config_; }

  // The names of the files, in the order of the split.
  std::vector<std::string> FileNames() const;

  // [outputs, inputs] of a matrix, [length] of a norm. NOT_FOUND for a tensor the model lacks.
  StatusOr<std::vector<uint64_t>> Shape(const std::string& name) const;

  // What the tensor's numbers are in: "F16", "Q4_K", …
  StatusOr<std::string_view> FormatName(const std::string& name) const;

  // The name of the file that has it.
  StatusOr<std::string> FileName(const std::string& name) const;

  // Row `row` of the tensor, in f32; a norm is one row. `out` is as long as the last size of Shape.
  // DATA_LOSS when the file has become shorter or unreadable.
  Status ReadRow(const std::string& name, size_t row, std::span<float> out) const;

  // Advice: the tensor will be read soon, or has been read to its end and its memory can go.
  void WillRead(const std::string& name) const;
  void WasRead(const std::string& name) const;

  // The bytes of tokenizer.model. NOT_FOUND when the file has no tokenizer.
  StatusOr<std::string> TokenizerModel() const;
  // What it does otherwise than the file says, or nothing.
  std::string TokenizerWarning() const;

  // The key tokenizer.chat_template. NOT_FOUND when there is none.
  StatusOr<ChatTemplateFile> ChatTemplate() const;

 private:
  struct Tensors;  // the mapped files and where each tensor is in them
  struct Place;

  GgufSource(MixtralConfig config, std::shared_ptr<const Tensors> tensors)
      : config_(std::move(config)), tensors_(std::move(tensors)) {}
  StatusOr<const Place*> Find(const std::string& name) const;

  MixtralConfig config_;
  std::shared_ptr<const Tensors> tensors_;
};

}  // namespace windrose
