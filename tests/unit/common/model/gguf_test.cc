#include "common/model/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/unit/common/model/gguf_file.h"

namespace windrose {
namespace {

using testing::HasSubstr;

StatusOr<GgufHeader> Parse(const std::string& file) {
  return ParseGgufHeader(std::as_bytes(std::span(file)), file.size());
}

void ExpectRefused(const StatusOr<GgufHeader>& result, const std::string& why) {
  ASSERT_FALSE(result.ok()) << why;
  EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(result.status()), HasSubstr(why));
}

// Some keys, and two tensors of 24 and 68 bytes.
GgufFile GoodFile() {
  GgufFile file;
  file.AddText("general.architecture", "llama");
  file.AddU32("count", 7);
  file.AddBool("flag", true);
  file.AddArray("numbers", GgufValueType::kF32, {Encoded(1.0F), Encoded(2.0F)});
  file.AddArray("texts", GgufValueType::kString, {EncodedText("one"), EncodedText("")});
  file.AddTensor("first", {3, 2}, GgufTensorType::kF32, std::string(24, '\1'));
  file.AddTensor("second", {32, 2}, GgufTensorType::kQ80, std::string(68, '\2'));
  return file;
}

// GoodFile, spoiled.
StatusOr<GgufHeader> Spoiled(const std::function<void(GgufFile&)>& spoil) {
  GgufFile file = GoodFile();
  spoil(file);
  return Parse(file.Bytes());
}

// `count` arrays, each the only element of the one before.
std::string NestedArrays(size_t count) {
  std::string value = EncodedArray(GgufValueType::kU8, {Encoded(uint8_t{1})});
  while (--count > 0) value = EncodedArray(GgufValueType::kArray, {value});
  return value;
}

TEST(GgufHeader, GivesTensorsWithTheirPlaceInTheFile) {
  for (const uint32_t version : {2U, 3U}) {
    GgufFile file = GoodFile();
    file.version = version;
    const std::string bytes = file.Bytes();
    const auto header = Parse(bytes);
    ASSERT_TRUE(header.ok()) << ToString(header.status());
    ASSERT_EQ(header->tensors.size(), 2U);
    const GgufTensor& first = header->tensors.at("first");
    const GgufTensor& second = header->tensors.at("second");
    EXPECT_EQ(first.sizes, (std::vector<uint64_t>{3, 2}));
    EXPECT_EQ(first.type, GgufTensorType::kF32);
    EXPECT_EQ(bytes.substr(first.begin, first.bytes()), std::string(24, '\1'));
    EXPECT_EQ(second.type, GgufTensorType::kQ80);
    EXPECT_EQ(bytes.substr(second.begin, second.bytes()), std::string(68, '\2'));
  }
}

TEST(GgufHeader, GivesValuesWithTheirPlaceInTheFile) {
  const std::string bytes = GoodFile().Bytes();
  const auto header = Parse(bytes);
  ASSERT_TRUE(header.ok()) << ToString(header.status());
  ASSERT_EQ(header->values.size(), 5U);
  const GgufValue& count = header->values.at("count");
  EXPECT_EQ(count.type, GgufValueType::kU32);
  EXPECT_FALSE(count.is_array);
  EXPECT_EQ(bytes.substr(count.begin, count.end - count.begin), Encoded(uint32_t{7}));
  const GgufValue& texts = header->values.at("texts");
  EXPECT_EQ(texts.type, GgufValueType::kString);
  EXPECT_TRUE(texts.is_array);
  EXPECT_EQ(texts.count, 2U);
  EXPECT_EQ(bytes.substr(texts.begin, texts.end - texts.begin),
            EncodedText("one") + EncodedText(""));
}

TEST(GgufHeader, AcceptsAFileWithNothingInIt) {
  const auto header = Parse(GgufFile().Bytes());
  ASSERT_TRUE(header.ok()) << ToString(header.status());
  EXPECT_TRUE(header->tensors.empty() && header->values.empty());
}

TEST(GgufHeader, NeedsNoPaddingBehindTheLastTensorOrTheKeys) {
  GgufFile keys;
  keys.AddU32("count", 7);
  const std::string bytes = keys.Bytes();
  EXPECT_TRUE(Parse(bytes.substr(0, 24 + 8 + 5 + 4 + 4)).ok());
  EXPECT_TRUE(Parse(GoodFile().Bytes()).ok());
  EXPECT_TRUE(Parse(GoodFile().Bytes() + std::string(28, '\0')).ok());  // 68 bytes become 96
}

TEST(GgufHeader, AcceptsAValueOfEveryType) {
  GgufFile file;
  for (const auto& [type, bytes] :
       std::vector<std::pair<GgufValueType, size_t>>{{GgufValueType::kU8, 1},
                                                     {GgufValueType::kI8, 1},
                                                     {GgufValueType::kU16, 2},
                                                     {GgufValueType::kI16, 2},
                                                     {GgufValueType::kU32, 4},
                                                     {GgufValueType::kI32, 4},
                                                     {GgufValueType::kF32, 4},
                                                     {GgufValueType::kBool, 1},
                                                     {GgufValueType::kU64, 8},
                                                     {GgufValueType::kI64, 8},
                                                     {GgufValueType::kF64, 8}}) {
    const std::string value(bytes, '\1');
    file.Add(std::string(NameOf(type)), type, value);
    file.AddArray("array of " + std::string(NameOf(type)), type, {value, value, value});
    EXPECT_EQ(SizeOf(type), bytes);
  }
  file.Add("nested", GgufValueType::kArray, NestedArrays(kMaxGgufArrayNesting));
  file.AddArray("empty", GgufValueType::kString, {});
  const auto header = Parse(file.Bytes());
  ASSERT_TRUE(header.ok()) << ToString(header.status());
  EXPECT_EQ(header->values.size(), file.keys.size());
}

TEST(GgufHeader, HonoursTheAlignmentOfTheFile) {
  for (const uint32_t alignment : {8U, 64U, 4096U}) {
    GgufFile file;
    file.alignment = alignment;
    file.AddU32("general.alignment", alignment);
    file.AddTensor("a", {1}, GgufTensorType::kF32, "aaaa");
    file.AddTensor("b", {1}, GgufTensorType::kF32, "bbbb");
    const std::string bytes = file.Bytes();
    const auto header = Parse(bytes);
    ASSERT_TRUE(header.ok()) << ToString(header.status());
    EXPECT_EQ(bytes.substr(header->tensors.at("b").begin, 4), "bbbb");
    EXPECT_EQ(header->tensors.at("b").begin - header->tensors.at("a").begin, alignment);
  }
}

TEST(GgufHeader, RefusesImpossibleAlignments) {
  for (const uint32_t alignment : {0U, 1U, 4U, 13U, 48U, 1U << 21, 1U << 31, ~0U}) {
    ExpectRefused(Spoiled([&](GgufFile& file) { file.AddU32("general.alignment", alignment); }),
                  "general.alignment: wanted a power of two");
  }
  ExpectRefused(Spoiled([](GgufFile& file) { file.AddF32("general.alignment", 32.0F); }),
                "general.alignment: wanted a u32");
  ExpectRefused(Spoiled([](GgufFile& file) {
                  file.AddArray("general.alignment", GgufValueType::kU32, {Encoded(32U)});
                }),
                "general.alignment: wanted a u32");
}

TEST(GgufHeader, RefusesAFileThatEndsAtAnyByte) {
  const std::string bytes = GoodFile().Bytes();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::string start = bytes.substr(0, size);
    EXPECT_FALSE(Parse(start).ok()) << size;
  }
}

TEST(GgufHeader, RefusesAHeaderThatIsNotWholeInThePrefix) {
  const std::string bytes = GoodFile().Bytes();
  const auto prefix = std::as_bytes(std::span(bytes)).first(100);
  ExpectRefused(ParseGgufHeader(prefix, bytes.size()), "left at byte");
}

TEST(GgufHeader, RefusesOtherFilesAndVersions) {
  ExpectRefused(Spoiled([](GgufFile& file) { file.magic = "GGML"; }), "magic");
  ExpectRefused(Spoiled([](GgufFile& file) { file.magic = "FUGG"; }), "magic");
  ExpectRefused(Spoiled([](GgufFile& file) { file.magic = std::string(4, '\0'); }), "magic");
  for (const uint32_t version : {0U, 1U, 4U, 999U, ~0U}) {
    ExpectRefused(Spoiled([&](GgufFile& file) { file.version = version; }), "version: wanted 2");
  }
  ExpectRefused(Spoiled([](GgufFile& file) { file.version = 3U << 24; }), "big-endian");
}

TEST(GgufHeader, RefusesCountsThatTheFileCannotHold) {
  for (const uint64_t count : {uint64_t{kMaxGgufTensors + 1}, uint64_t{1} << 32, uint64_t{1} << 63,
                               ~uint64_t{0}, uint64_t{60'000}}) {
    ExpectRefused(Spoiled([&](GgufFile& file) { file.tensor_count = count; }), "number of tensors");
    ExpectRefused(Spoiled([&](GgufFile& file) { file.key_count = count; }), "number of keys");
  }
  EXPECT_FALSE(Spoiled([](GgufFile& file) { file.tensor_count = 3; }).ok());
  EXPECT_FALSE(Spoiled([](GgufFile& file) { file.tensor_count = 1; }).ok());
  EXPECT_FALSE(Spoiled([](GgufFile& file) { file.key_count = 6; }).ok());
  EXPECT_FALSE(Spoiled([](GgufFile& file) { file.key_count = 4; }).ok());
}

TEST(GgufHeader, RefusesStringsWithoutAnEnd) {
  for (const uint64_t length :
       {kMaxGgufStringBytes + 1, uint64_t{1} << 40, uint64_t{1} << 63, ~uint64_t{0}}) {
    ExpectRefused(Spoiled([&](GgufFile& file) { file.keys[0].value = Encoded(length) + "llama"; }),
                  "key \"general.architecture\": string: wanted at most");
  }
  ExpectRefused(Spoiled([](GgufFile& file) { file.keys[0].value = Encoded(uint64_t{5'000}); }),
                "key \"general.architecture\": string: wanted 5000 bytes");
}

TEST(GgufHeader, RefusesArraysThatTheFileCannotHold) {
  const auto array = [](uint32_t type, uint64_t count) {
    return Spoiled(
        [&](GgufFile& file) { file.at("numbers").value = Encoded(type) + Encoded(count); });
  };
  ExpectRefused(array(6, ~uint64_t{0}), "key \"numbers\": array");
  ExpectRefused(array(0, uint64_t{1} << 63), "key \"numbers\": array");
  ExpectRefused(array(0, kMaxGgufArrayElements + 1), "key \"numbers\": array: wanted at most");
  ExpectRefused(array(8, kMaxGgufArrayElements), "key \"numbers\": array: the file says");
  ExpectRefused(array(12, 60), "key \"numbers\"");
  ExpectRefused(array(13, 0), "key \"numbers\": type 13 unknown");
}

TEST(GgufHeader, RefusesArraysTooDeepInOneAnother) {
  for (const size_t depth : {kMaxGgufArrayNesting + 1, size_t{10'000}}) {
    GgufFile file;
    file.Add("nested", GgufValueType::kArray, std::string());
    // The start of `depth` arrays, which is all that is looked at.
    for (size_t i = 0; i < depth; ++i) {
      file.keys[0].value += Encoded(uint32_t{9}) + Encoded(uint64_t{1});
    }
    ExpectRefused(Parse(file.Bytes()), "within each other");
  }
}

TEST(GgufHeader, RefusesUnknownTypesOfValues) {
  for (const uint32_t type : {13U, 100U, ~0U}) {
    ExpectRefused(Spoiled([&](GgufFile& file) { file.at("count").type = type; }),
                  "key \"count\": type " + std::to_string(type) + " unknown");
  }
}

TEST(GgufHeader, RefusesBoolsThatAreNeither) {
  ExpectRefused(Spoiled([](GgufFile& file) { file.at("flag").value = "\2"; }), "key \"flag\"");
  ExpectRefused(Spoiled([](GgufFile& file) {
                  file.AddArray("flags", GgufValueType::kBool, {std::string("\1\0\xFF", 3)});
                  file.keys.back().value[4] = 3;
                }),
                "key \"flags\"");
}

TEST(GgufHeader, RefusesBadNames) {
  ExpectRefused(Spoiled([](GgufFile& file) { file.AddU32("count", 8); }), "\"count\": is there");
  ExpectRefused(Spoiled([](GgufFile& file) { file.tensors[1].name = "first"; }),
                "\"first\": is there twice");
  ExpectRefused(Spoiled([](GgufFile& file) { file.keys[0].name = ""; }), "key 0: name");
  ExpectRefused(Spoiled([](GgufFile& file) { file.tensors[1].name = ""; }), "tensor 1: name");
  ExpectRefused(Spoiled([](GgufFile& file) {
                  file.tensors[1].name = std::string(kMaxGgufNameBytes + 1, 'x');
                }),
                "tensor 1: name");
  ExpectRefused(
      Spoiled([](GgufFile& file) { file.keys[1].name = std::string(kMaxGgufKeyBytes + 1, 'x'); }),
      "key 1: name");
}

TEST(GgufHeader, RefusesKeyLengthsWithoutAnEnd) {
  for (const uint64_t length : {uint64_t{1} << 63, ~uint64_t{0}}) {
    const std::string start = "GGUF" + Encoded(3U) + Encoded(uint64_t{0}) + Encoded(uint64_t{1});
    ExpectRefused(Parse(start + Encoded(length) + std::string(64, 'x')), "key 0: name");
  }
}

TEST(GgufHeader, RefusesShapesThatOverflow) {
  const auto shaped = [](const std::vector<uint64_t>& sizes) {
    return Spoiled([&](GgufFile& file) { file.tensors[0].sizes = sizes; });
  };
  ExpectRefused(shaped({}), "\"first\": dimensions");
  ExpectRefused(shaped({1, 1, 1, 1, 1}), "\"first\": dimensions");
  ExpectRefused(shaped({3, 0}), "\"first\": sizes");
  ExpectRefused(shaped({0}), "\"first\": sizes");
  ExpectRefused(shaped({uint64_t{1} << 32, uint64_t{1} << 32}), "overflow");
  ExpectRefused(shaped({uint64_t{1} << 62}), "overflow");
  ExpectRefused(shaped({~uint64_t{0}, 1, 1, 1}), "overflow");
  ExpectRefused(shaped({1, ~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}}), "overflow");
  ExpectRefused(shaped({uint64_t{1} << 40}), "\"first\": data");
}

TEST(GgufHeader, RefusesRowsOfHalfABlock) {
  for (const uint64_t size : {1U, 31U, 33U}) {
    ExpectRefused(Spoiled([&](GgufFile& file) {
                    file.tensors[1].sizes = {size, 2};
                  }),
                  "\"second\": sizes: Q8_0 wants rows of a multiple of 32");
  }
}

TEST(GgufHeader, RefusesUnknownTypesOfTensors) {
  for (const uint32_t type : {4U, 5U, 36U, 42U, 9999U, ~0U}) {
    ExpectRefused(Spoiled([&](GgufFile& file) { file.tensors[0].type = type; }),
                  "\"first\": type " + std::to_string(type) + " unknown");
  }
}

TEST(GgufHeader, RefusesOffsetsThatDoNotTileTheData) {
  const auto placed = [](uint64_t first, uint64_t second) {
    return Spoiled([&](GgufFile& file) {
      file.tensors[0].offset = first;
      file.tensors[1].offset = second;
    });
  };
  ASSERT_TRUE(placed(0, 32).ok());
  ExpectRefused(placed(0, 0), "overlap");
  ExpectRefused(placed(0, 8), "overlap");
  ExpectRefused(placed(0, 31), "overlap");
  ExpectRefused(placed(32, 0), "overlap");
  ExpectRefused(placed(4, 32), "hole");
  ExpectRefused(placed(0, 64), "\"second\": data");
  ExpectRefused(placed(0, ~uint64_t{0}), "\"second\": offset");
  ExpectRefused(placed(0, uint64_t{1} << 63), "\"second\": data");
  ExpectRefused(Spoiled([](GgufFile& file) { file.data += std::string(29, '\0'); }), "data");
  ExpectRefused(Spoiled([](GgufFile& file) { file.data += std::string(1 << 16, '\0'); }), "data");
  ExpectRefused(Spoiled([](GgufFile& file) { file.data.pop_back(); }), "\"second\": data");
}

TEST(GgufHeader, RefusesTensorsWhoseSumOverflows) {
  GgufFile file;
  const uint64_t bytes = (uint64_t{1} << 63) - 64;
  file.tensors = {{"a", {bytes}, 24, 0}, {"b", {bytes}, 24, bytes}, {"c", {200}, 24, bytes * 2}};
  const std::string start = file.Bytes();
  for (const uint64_t file_bytes : {uint64_t{start.size()}, uint64_t{1} << 63, ~uint64_t{0}}) {
    EXPECT_FALSE(ParseGgufHeader(std::as_bytes(std::span(start)), file_bytes).ok());
  }
}

TEST(GgufHeader, HoldsAsManyTensorsAndKeysAsTheLimitsSay) {
  GgufFile file;
  for (uint64_t i = 0; i < kMaxGgufTensors; ++i) {
    file.tensors.push_back({std::to_string(i), {1}, 0, i * 32});
    file.Add(std::to_string(i), GgufValueType::kU8, "x");
  }
  file.data.resize(kMaxGgufTensors * 32);
  EXPECT_TRUE(Parse(file.Bytes()).ok());
  file.AddU32("one more", 1);
  ExpectRefused(Parse(file.Bytes()), "number of keys: wanted at most");
  file.keys.clear();
  file.tensors.push_back({"one more", {1}, 0, 0});
  ExpectRefused(Parse(file.Bytes()), "number of tensors: wanted at most");
}

}  // namespace
}  // namespace windrose
