#include "common/model/chat_template_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "tests/support/temporary_directory.h"
#include "tests/unit/common/model/written_checkpoint.h"

namespace windrose {
namespace {

using testing::HasSubstr;

class ChatTemplateFileTest : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) const {
    WriteText(directory_.file(name), text);
  }

  StatusOr<ChatTemplateFile> Read() const { return ReadChatTemplate(directory_.path()); }

  void ExpectFound(const std::string& file, const std::string& text) const {
    const StatusOr<ChatTemplateFile> found = Read();
    ASSERT_TRUE(found.ok()) << ToString(found.status());
    EXPECT_EQ(found->file, file);
    EXPECT_EQ(found->text, text);
  }

  void ExpectNone() const { EXPECT_EQ(Read().status().code(), StatusCode::kNotFound); }

  void ExpectError(const std::string& message) const {
    EXPECT_NE(Read().status().code(), StatusCode::kNotFound);
    EXPECT_THAT(ToString(Read().status()), HasSubstr(message));
  }

  TemporaryDirectory directory_;
};

TEST_F(ChatTemplateFileTest, AModelMayHaveNone) {
  ExpectNone();
  Write("tokenizer_config.json", R"({"bos_token": "<s>"})");
  ExpectNone();
  Write("tokenizer_config.json", R"({"chat_template": null})");
  Write("chat_template.jinja", "");
  ExpectNone();
}

TEST_F(ChatTemplateFileTest, ReadsTheTokenizersConfig) {
  Write("tokenizer_config.json", R"({"added_tokens_decoder": {"0": {"content": "<unk>"}},
      "model_max_length": 1000000000000000019884624838656, "chat_template": "a\n{{ 'b' }}"})");
  ExpectFound("tokenizer_config.json", "a\n{{ 'b' }}");
}

TEST_F(ChatTemplateFileTest, TakesTheDefaultOfSeveral) {
  Write("tokenizer_config.json", R"({"chat_template": [{"name": "tool_use", "template": "a"},
      {"name": "default", "template": "b"}]})");
  ExpectFound("tokenizer_config.json", "b");
}

TEST_F(ChatTemplateFileTest, SeveralWithoutADefaultAreNone) {
  for (const char* list :
       {"[]", R"([1, "default", {}])", R"([{"name": "default"}])", R"([{"name": 1}])",
        R"([{"name": "default", "template": 1}])", R"([{"name": "tool_use", "template": "a"}])"}) {
    Write("tokenizer_config.json", std::string(R"({"chat_template": )") + list + "}");
    ExpectNone();
  }
}

TEST_F(ChatTemplateFileTest, AFileOfItsOwnComesFirst) {
  Write("chat_template.json", R"({"chat_template": "a"})");
  ExpectFound("chat_template.json", "a");
  Write("tokenizer_config.json", R"({"chat_template": "b"})");
  ExpectFound("tokenizer_config.json", "b");
  Write("chat_template.jinja", "{{ c }}\n");
  ExpectFound("chat_template.jinja", "{{ c }}\n");
}

TEST_F(ChatTemplateFileTest, NamesTheFileThatIsMalformed) {
  Write("tokenizer_config.json", R"({"chat_template": 7})");
  ExpectError("tokenizer_config.json: chat_template: wanted a string or a list");
  Write("tokenizer_config.json", R"({"chat_template": "a")");
  ExpectError("tokenizer_config.json: bad JSON");
  Write("tokenizer_config.json", std::string(100'000, '['));
  ExpectError("tokenizer_config.json: bad JSON");
  Write("tokenizer_config.json", "[]");
  ExpectError("tokenizer_config.json: wanted a JSON object");
}

TEST_F(ChatTemplateFileTest, ReadsNoHugeFile) {
  Write("chat_template.jinja", std::string(kMaxChatTemplateFileBytes, 'a'));
  EXPECT_TRUE(Read().ok());
  Write("chat_template.jinja", std::string(kMaxChatTemplateFileBytes + 1, 'a'));
  ExpectError("chat_template.jinja: wanted at most 1048576 bytes");
}

TEST_F(ChatTemplateFileTest, DoesNotWaitForAPipe) {
  ASSERT_EQ(mkfifo(directory_.file("chat_template.jinja").c_str(), 0600), 0);
  ExpectError("chat_template.jinja: is not a regular file");
}

}  // namespace
}  // namespace windrose
