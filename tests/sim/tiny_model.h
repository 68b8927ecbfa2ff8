// TinyModel: a tiny random Mixtral on disk, opened, with the real Mixtral tokenizer. For one test
// suite; removed with it. Thread-compatible.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cli/convert/checkpoint_source.h"
#include "cli/convert/conversion.h"
#include "common/base/check.h"
#include "common/model/checkpoint.h"
#include "common/model/mapped_file.h"
#include "coordinator/text/tokenizer.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_mixtral.h"

namespace windrose {

class TinyModel {
 public:
  // `source_directory` is the root of the sources, where the tokenizer lies. With `packed`, the
  // model is converted to it. Ends the test if it fails.
  TinyModel(const MixtralConfig& config, const std::string& source_directory,
            std::optional<DType> packed = std::nullopt)
      : checkpoint_(Open(directory_, config, packed)),
        tokenizer_(Tokenizer::Create(Pieces(source_directory)).value()) {}

  const Checkpoint& checkpoint() const { return checkpoint_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  static Checkpoint Open(const TemporaryDirectory& directory, const MixtralConfig& config,
                         std::optional<DType> packed) {
    CHECK(WriteTinyMixtral(directory.path(), config).ok());
    if (!packed) return Checkpoint::Open(directory.path()).value();
    const auto source = cli::CheckpointSource::Open(directory.path());
    CHECK(source.ok());
    const cli::ConversionOptions options{directory.file("packed"), *packed, 1};
    CHECK(cli::Convert(**source, options, [](uint64_t, uint64_t) {}).ok());
    return Checkpoint::Open(options.destination).value();
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
