#include "common/model/gguf_blocks.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace windrose {
namespace {

// A row of blocks, and what the reference implementation makes of it.
struct Golden {
  std::string format;
  std::vector<std::byte> blocks;
  std::vector<uint32_t> bits;
};

template <typename T>
std::vector<T> FromHexadecimal(const std::string& text, size_t digits) {
  std::vector<T> values;
  for (size_t i = 0; i + digits <= text.size(); i += digits) {
    uint32_t value = 0;
    std::from_chars(text.data() + i, text.data() + i + digits, value, 16);
    values.push_back(static_cast<T>(value));
  }
  return values;
}

// tools/golden/make_gguf_goldens.py says what the file is.
std::vector<Golden> Goldens() {
  std::ifstream file(std::string(WINDROSE_SOURCE_DIR) +
                     "/tests/unit/common/model/data/gguf_blocks.txt");
  std::vector<Golden> goldens;
  std::string format, blocks, bits;
  while (file >> format >> blocks >> bits) {
    goldens.push_back(
        {format, FromHexadecimal<std::byte>(blocks, 2), FromHexadecimal<uint32_t>(bits, 8)});
  }
  return goldens;
}

const GgufFormat& FormatNamed(const std::string& name) {
  for (uint32_t type = 0; type < 64; ++type) {
    const GgufFormat* format = FormatOf(GgufTensorType{type});
    if (format != nullptr && format->name == name) return *format;
  }
  ADD_FAILURE() << "no format " << name;
  return *FormatOf(GgufTensorType::kF32);
}

void ExpectDecoded(const Golden& golden) {
  std::vector<float> decoded(golden.bits.size());
  DecodeBlocks(FormatNamed(golden.format).type, golden.blocks, decoded);
  for (size_t i = 0; i < decoded.size(); ++i) {
    const float wanted = std::bit_cast<float>(golden.bits[i]);
    if (std::isnan(wanted)) {
      ASSERT_TRUE(std::isnan(decoded[i])) << golden.format << " number " << i;
    } else {
      ASSERT_EQ(std::bit_cast<uint32_t>(decoded[i]), golden.bits[i])
          << golden.format << " number " << i << ": " << decoded[i] << ", wanted " << wanted;
    }
  }
}

TEST(GgufBlocks, DecodesToTheBitsOfTheReference) {
  std::map<std::string, int> seen;
  for (const Golden& golden : Goldens()) {
    ExpectDecoded(golden);
    ++seen[golden.format];
  }
  for (const char* format : {"F32", "F16", "BF16"}) EXPECT_EQ(seen[format], 3) << format;
  for (const char* format : {"Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K"}) {
    EXPECT_EQ(seen[format], 8) << format;
  }
}

TEST(GgufBlocks, DecodesEveryBlockOfARow) {
  std::map<std::string, Golden> rows;
  for (const Golden& golden : Goldens()) {
    Golden& row = rows[golden.format];
    row.format = golden.format;
    row.blocks.insert(row.blocks.end(), golden.blocks.begin(), golden.blocks.end());
    row.bits.insert(row.bits.end(), golden.bits.begin(), golden.bits.end());
  }
  for (const auto& [format, row] : rows) ExpectDecoded(row);
}

TEST(GgufBlocks, DecodesAnEmptyRow) {
  for (uint32_t type = 0; type < 64; ++type) {
    if (CanDecode(GgufTensorType{type})) DecodeBlocks(GgufTensorType{type}, {}, {});
  }
}

TEST(GgufBlocks, KnowsTheSizesOfBlocks) {
  const auto expect_size = [](const char* name, uint32_t values, uint32_t bytes) {
    EXPECT_EQ(FormatNamed(name).block_values, values) << name;
    EXPECT_EQ(FormatNamed(name).block_bytes, bytes) << name;
  };
  expect_size("F32", 1, 4);
  expect_size("Q4_0", 32, 18);
  expect_size("Q8_0", 32, 34);
  expect_size("Q3_K", 256, 110);
  expect_size("Q4_K", 256, 144);
  expect_size("Q5_K", 256, 176);
  expect_size("Q6_K", 256, 210);
  expect_size("BF16", 1, 2);
}

TEST(GgufBlocks, KnowsNothingOfOtherFormats) {
  for (const uint32_t type : {4U, 5U, 31U, 33U, 36U, 38U, 42U, 1000U, ~0U}) {
    EXPECT_EQ(FormatOf(GgufTensorType{type}), nullptr) << type;
    EXPECT_FALSE(CanDecode(GgufTensorType{type})) << type;
  }
  EXPECT_FALSE(CanDecode(FormatNamed("Q3_K").type));
}

}  // namespace
}  // namespace windrose
