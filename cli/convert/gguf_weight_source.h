// GgufWeightSource: the weights of a Mixtral in a GGUF file, or in a split of several.
//
// Blocks of other formats are read as numbers and rounded anew, so from a GGUF file of four bits
// comes a q4 that is a little worse than one made of the original weights. Immutable: thread-safe.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/convert/weight_source.h"
#include "common/model/gguf_source.h"

namespace windrose::cli {

class GgufWeightSource final : public WeightSource {
 public:
  // As GgufSource::Open.
  static StatusOr<std::unique_ptr<GgufWeightSource>> Open(const std::string& path);

  const MixtralConfig& config() const override { return source_.config(); }
  DType FormatOf(const std::string& tensor) const override;
  std::string FileOf(const std::string& tensor) const override {
    return source_.FileName(tensor).value_or("");
  }
  Status ReadRows(const std::string& tensor, size_t first, const Rows& out) const override;
  void WillRead(const std::string& tensor) const override { source_.WillRead(tensor); }
  void WasRead(const std::string& tensor) const override { source_.WasRead(tensor); }
  StatusOr<std::string> Tokenizer() const override { return source_.TokenizerModel(); }
  std::string TokenizerWarning() const override { return source_.TokenizerWarning(); }
  StatusOr<ChatTemplateFile> ChatTemplate() const override { return source_.ChatTemplate(); }
  StatusOr<std::vector<std::string>> Identity() const override;

 private:
  GgufWeightSource(std::string folder, GgufSource source)
      : folder_(std::move(folder)), source_(std::move(source)) {}

  std::string folder_;  // of the file
  GgufSource source_;
};

}  // namespace windrose::cli
