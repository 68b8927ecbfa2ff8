#include "cli/convert/tokenizer_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/model/mapped_file.h"
#include "common/model/tokenizer_file.h"
#include "tests/support/tiny_mixtral.h"
#include "tests/unit/cli/convert/made_source.h"

namespace windrose::cli {
namespace {

using testing::HasSubstr;

class TokenizerCheckTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string folder = WINDROSE_SOURCE_DIR "/tests/unit/coordinator/text/data";
    tokenizer_ = *ReadModelText(folder, "mixtral_tokenizer.model", kMaxTokenizerFileBytes);
  }

  static Status Check(const std::optional<std::string>& tokenizer, uint32_t vocabulary) {
    MixtralConfig config = TinyMixtralConfig();
    config.vocabulary = vocabulary;
    MadeSource source(config);
    source.tokenizer = tokenizer;
    return CheckTokenizer(source);
  }

  std::string tokenizer_;  // of 32,000 pieces
};

TEST_F(TokenizerCheckTest, TakesWhatACoordinatorTakes) {
  EXPECT_TRUE(Check(tokenizer_, 32'000).ok());
}

TEST_F(TokenizerCheckTest, SaysWhenThereIsNone) {
  EXPECT_EQ(Check(std::nullopt, 32'000).code(), StatusCode::kNotFound);
}

TEST_F(TokenizerCheckTest, RefusesWhatIsNotATokenizer) {
  const Status status = Check("pieces", 32'000);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status), HasSubstr("tokenizer.model: not a SentencePiece model"));
}

TEST_F(TokenizerCheckTest, RefusesAnotherModelsTokenizer) {
  const Status status = Check(tokenizer_, 32'002);
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(status), HasSubstr("32000 pieces, the model's vocabulary 32002"));
}

}  // namespace
}  // namespace windrose::cli
