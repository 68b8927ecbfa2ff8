#include "coordinator/text/bpe_encoder.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/coordinator/text/mixtral.h"
#include "tests/unit/coordinator/text/sentencepiece_reference.h"

namespace windrose {
namespace {

// The library's ids, or none when it failed.
std::vector<uint32_t> ReferenceIds(const std::string& text) {
  static const auto reference = [] {
    std::ifstream file(TextDataPath("mixtral_tokenizer.model"), std::ios::binary);
    const std::string model((std::istreambuf_iterator<char>(file)),
                            std::istreambuf_iterator<char>());
    std::string error;
    return SentencePieceReference::Load(model, &error);
  }();
  std::vector<int> ids;
  std::string error;
  EXPECT_TRUE(reference != nullptr && reference->Encode(text, &ids, &error)) << error;
  return std::vector<uint32_t>(ids.begin(), ids.end());
}

std::vector<uint32_t> OurIds(const std::string& text) { return Values(*Mixtral().Encode(text)); }

TEST(BpeEncoder, EqualsTheLibraryOnRandomUnits) {
  const std::vector<std::string> units = {"the",
                                          " ",
                                          "  ",
                                          " a",
                                          "\xE2\x96\x81",
                                          "\n",
                                          "naive ",
                                          "\xC3\xA9",
                                          ". ",
                                          "aaaa",
                                          "\t",
                                          "12 3",
                                          "\xF0\x9F\xA6\x99",
                                          "\xE6\x97\xA5",
                                          "</s>",
                                          "<0x0A>",
                                          "\xFF",
                                          "\xE2\x96",
                                          "\xED\xA0\x80",
                                          "ing",
                                          "[INST]",
                                          std::string(1, '\0'),
                                          "\xEF\xBF\xBD"};
  std::mt19937 random(5);
  for (int trial = 0; trial < 1500; ++trial) {
    std::string text;
    for (size_t n = random() % 60; n > 0; --n) text += units[random() % units.size()];
    ASSERT_EQ(OurIds(text), ReferenceIds(text)) << "trial " << trial << ": " << text;
  }
}

TEST(BpeEncoder, EqualsTheLibraryOnRandomBytes) {
  std::mt19937 random(6);
  for (int trial = 0; trial < 300; ++trial) {
    std::string text;
    for (size_t n = random() % 200; n > 0; --n) text.push_back(static_cast<char>(random()));
    ASSERT_EQ(OurIds(text), ReferenceIds(text)) << "trial " << trial;
  }
}

TEST(BpeEncoder, EqualsTheLibraryOnRunsOfOneCharacter) {
  for (const std::string unit : {"a", " ", "-", "0", "\n", "ab", "\xE2\x96\x81", "\xCC\x80"}) {
    for (const size_t count : {1U, 2U, 3U, 15U, 16U, 17U, 31U, 33U, 64U, 100U, 1000U}) {
      std::string text;
      while (text.size() < count * unit.size()) text += unit;
      ASSERT_EQ(OurIds(text), ReferenceIds(text)) << count << " x " << unit;
    }
  }
}

// Many chunks, cut in all kinds of places.
TEST(BpeEncoder, EqualsTheLibraryOnLongTexts) {
  std::ifstream file(std::string(WINDROSE_SOURCE_DIR) + "/common/model/tokenizer_file.cc");
  const std::string source((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
  ASSERT_GT(source.size(), 5000U);
  EXPECT_EQ(OurIds(source), ReferenceIds(source));
  std::mt19937 random(8);
  for (int trial = 0; trial < 10; ++trial) {
    std::string text;
    while (text.size() < 10000) {
      text += std::string(random() % 70, 'x') + std::string(random() % 4, ' ');
    }
    ASSERT_EQ(OurIds(text), ReferenceIds(text)) << "trial " << trial;
  }
}

}  // namespace
}  // namespace windrose
