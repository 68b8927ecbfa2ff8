// TinyModel: a tiny random Mixtral on disk, opened, with the real Mixtral tokenizer. For one test
// suite; removed with it. Thread-compatible.
#pragma once

#include <memory>
#include <string>

#include "common/base/check.h"
#include "common/model/checkpoint.h"
#include "common/model/mapped_file.h"
#include "coordinator/text/tokenizer.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_mixtral.h"

namespace windrose {

class TinyModel {
 public:
  // `source_directory` is the root of the sources, where the tokenizer lies. Ends the test if it
  // fails.
  TinyModel(const MixtralConfig& config, const std::string& source_directory)
      : checkpoint_(Open(directory_.path(), config)),
        tokenizer_(Tokenizer::Create(Pieces(source_directory)).value()) {}

  const Checkpoint& checkpoint() const { return checkpoint_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  static Checkpoint Open(const std::string& path, const MixtralConfig& config) {
    CHECK(WriteTinyMixtral(path, config).ok());
    return Checkpoint::Open(path).value();
  }

  static std::string Pieces(const std::string& source_directory) {
    return ReadModelText(source_directory + "/tests/unit/coordinator/text/data",
                         "mixtral_tokenizer.model", kMaxTokenizerFileBytes)
        .value();
  }

  TemporaryDirectory directory_;
  Checkpoint checkpoint_;
  std::unique_ptr<const Tokenizer> tokenizer_;
};

}  // namespace windrose
