// CheckpointSource: the weights of a model directory, Hugging Face's or one of ours in bf16.
//
// Immutable after Open: thread-safe.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/convert/weight_source.h"
#include "common/model/chat_template_file.h"
#include "common/model/checkpoint.h"

namespace windrose::cli {

class CheckpointSource final : public WeightSource {
 public:
  // As Checkpoint::Open; INVALID_ARGUMENT for q8 and q4, whose weights would be rounded twice.
  static StatusOr<std::unique_ptr<CheckpointSource>> Open(const std::string& directory);

  const MixtralConfig& config() const override { return checkpoint_.config(); }
  DType FormatOf(const std::string& tensor) const override;
  std::string FileOf(const std::string& tensor) const override {
    return checkpoint_.FileOf(tensor);
  }
  // DATA_LOSS when a file cannot be read.
  Status ReadRows(const std::string& tensor, size_t first, const Rows& out) const override;
  void WillRead(const std::string& tensor) const override;
  void WasRead(const std::string& tensor) const override;
  Status Verify() const override;
  StatusOr<std::string> Tokenizer() const override { return checkpoint_.Tokenizer(); }
  StatusOr<ChatTemplateFile> ChatTemplate() const override { return ReadChatTemplate(directory_); }
  StatusOr<std::vector<std::string>> Identity() const override;

 private:
  CheckpointSource(std::string directory, Checkpoint checkpoint, AllWeights weights)
      : directory_(std::move(directory)),
        checkpoint_(std::move(checkpoint)),
        weights_(std::move(weights)) {}
  const WeightView& View(const std::string& tensor) const;

  std::string directory_;
  Checkpoint checkpoint_;
  AllWeights weights_;
};

}  // namespace windrose::cli
