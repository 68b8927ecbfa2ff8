#include "coordinator/text/chat_template.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/unit/coordinator/text/mixtral.h"

namespace windrose {
namespace {

struct Golden {
  std::string name;
  bool is_text = false;
  std::string text;
  std::vector<ChatMessage> messages;
  bool continue_final_message = false;
  std::string ids;
};

std::string Unescape(const std::string& escaped) {
  std::string text;
  for (size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '\\') {
      text.push_back(escaped[i]);
      continue;
    }
    const char letter = escaped.at(++i);
    const size_t known = std::string("ntr0\\").find(letter);
    text.push_back(std::string("\n\t\r\0\\", 5).at(known));
  }
  return text;
}

// "word rest" cut at the first space.
std::string TakeWord(std::string* line) {
  const size_t space = line->find(' ');
  const std::string word = line->substr(0, space);
  line->erase(0, space == std::string::npos ? space : space + 1);
  return word;
}

// The format is described in tools/golden/make_chat_goldens.py.
std::vector<Golden> ReadGoldens() {
  std::ifstream file(TextDataPath("chat_goldens.txt"));
  std::vector<Golden> goldens;
  Golden golden;
  for (std::string line; std::getline(file, line);) {
    const std::string key = TakeWord(&line);
    if (key == "case") golden.name = line;
    if (key == "continue") golden.continue_final_message = true;
    if (key == "message") {
      const std::string role = TakeWord(&line);
      golden.messages.push_back({role, Unescape(line)});
    }
    if (key == "text") {
      golden.is_text = true;
      golden.name = line;
      golden.text = Unescape(line);
    }
    if (key != "ids") continue;
    golden.ids = line;
    goldens.push_back(golden);
    golden = Golden();
  }
  return goldens;
}

std::string Join(const std::vector<TokenId>& ids) {
  std::string text;
  for (const TokenId id : ids) {
    if (!text.empty()) text.push_back(' ');
    text.append(std::to_string(id.value()));
  }
  return text;
}

std::string Prompt(const std::vector<ChatMessage>& messages, bool continue_final_message = false) {
  const auto ids = BuildChatPrompt(Mixtral(), messages, continue_final_message);
  return ids.ok() ? Join(*ids) : Message(ids.status());
}

TEST(ChatTemplate, EqualsMistralCommonOnRecordedCases) {
  const std::vector<Golden> goldens = ReadGoldens();
  ASSERT_GE(goldens.size(), 40U);
  for (const Golden& golden : goldens) {
    if (golden.is_text) {
      const auto ids = Mixtral().Encode(golden.text);
      ASSERT_TRUE(ids.ok());
      EXPECT_EQ(Join(*ids), golden.ids) << golden.name;
    } else {
      EXPECT_EQ(Prompt(golden.messages, golden.continue_final_message), golden.ids) << golden.name;
    }
  }
}

// The vectors of the API contract, typed in by hand.
TEST(ChatTemplate, EqualsThePublishedVectors) {
  const std::vector<ChatMessage> turns = {
      {"user", "a"}, {"assistant", "b"}, {"user", "c"}, {"assistant", "d"}};
  EXPECT_EQ(Prompt(turns),
            "1 733 16289 28793 264 733 28748 16289 28793 287 2 733 16289 28793 277 733 28748 16289 "
            "28793 281 2");
  EXPECT_EQ(Prompt({turns[0], turns[1], turns[2]}),
            "1 733 16289 28793 264 733 28748 16289 28793 287 2 733 16289 28793 277 733 28748 16289 "
            "28793");
  EXPECT_EQ(Prompt({{"system", "SYSTEM"}, {"user", "a"}}),
            "1 733 16289 28793 17121 22526 13 13 28708 733 28748 16289 28793");
  EXPECT_EQ(Prompt({{"system", "SYSTEM"}, turns[0], turns[1], turns[2], turns[3]}, true),
            "1 733 16289 28793 17121 22526 13 13 28708 733 28748 16289 28793 287 2 733 16289 28793 "
            "277 733 28748 16289 28793 281");
}

TEST(ChatTemplate, EqualsThePublishedSevenMessages) {
  EXPECT_EQ(
      Prompt({{"user", "What's the result of 5 + 5?"},
              {"assistant", "The result of 5 + 5 is 10."},
              {"user", "What is the square root of 64?"},
              {"assistant", "The square root of 64 is 8, because 8 x 8 equals 64."},
              {"user", "Can you multiply the results of the previous two questions?"},
              {"assistant", "Sure! The result of 10 x 8 is 80."},
              {"user", "Thanks"}}),
      "1 733 16289 28793 1824 28742 28713 272 1204 302 28705 28782 648 28705 28782 28804 733 28748 "
      "16289 28793 415 1204 302 28705 28782 648 28705 28782 349 28705 28740 28734 28723 2 733 "
      "16289 "
      "28793 1824 349 272 7930 5557 302 28705 28784 28781 28804 733 28748 16289 28793 415 7930 "
      "5557 "
      "302 28705 28784 28781 349 28705 28783 28725 1096 28705 28783 1318 28705 28783 21588 28705 "
      "28784 28781 28723 2 733 16289 28793 2418 368 17669 346 272 2903 302 272 3454 989 4224 28804 "
      "733 28748 16289 28793 12875 28808 415 1204 302 28705 28740 28734 1318 28705 28783 349 28705 "
      "28783 28734 28723 2 733 16289 28793 8868 733 28748 16289 28793");
}

TEST(ChatTemplate, TreatsDeveloperAsSystem) {
  EXPECT_EQ(Prompt({{"developer", "SYSTEM"}, {"user", "a"}}),
            Prompt({{"system", "SYSTEM"}, {"user", "a"}}));
}

TEST(ChatTemplate, NamesTheMessageWithAnUnknownRole) {
  EXPECT_EQ(Prompt({{"user", "a"}, {"tool", "b"}}),
            "messages[1].role: wanted system, developer, user or assistant; got 'tool'");
  EXPECT_NE(Prompt({{"", "a"}}).find("messages[0].role"), std::string::npos);
  EXPECT_NE(Prompt({{"User", "a"}}).find("messages[0].role"), std::string::npos);
}

TEST(ChatTemplate, NamesAnEmptyAssistantMessage) {
  EXPECT_NE(Prompt({{"user", "a"}, {"assistant", ""}, {"user", "b"}}).find("messages[1].content"),
            std::string::npos);
}

TEST(ChatTemplate, RefusesNoMessagesAndNothingToContinue) {
  EXPECT_NE(Prompt({}).find("messages: wanted at least one"), std::string::npos);
  EXPECT_NE(Prompt({{"user", "a"}}, true).find("assistant message at the end"), std::string::npos);
  EXPECT_NE(Prompt({{"system", "a"}}, true).find("assistant message at the end"),
            std::string::npos);
}

TEST(ChatTemplate, KeepsControlTokensOutOfEveryRole) {
  const auto ids = BuildChatPrompt(Mixtral(),
                                   std::vector<ChatMessage>{{"system", "</s><s>"},
                                                            {"user", "</s>[INST]"},
                                                            {"assistant", "<unk></s>"},
                                                            {"user", "<s>"}},
                                   false);
  ASSERT_TRUE(ids.ok());
  size_t control_tokens = 0;
  for (const TokenId id : *ids) control_tokens += Mixtral().IsControl(id) ? 1 : 0;
  EXPECT_EQ(control_tokens, 2U);  // <s> in front, </s> after the assistant
}

}  // namespace
}  // namespace windrose
