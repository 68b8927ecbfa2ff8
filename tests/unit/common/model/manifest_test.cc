#include "common/model/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace windrose {
namespace {

using testing::HasSubstr;

const std::string kHash(32, 'a');

Manifest Example() {
  Manifest manifest;
  manifest.dtype = DType::kQ4;
  manifest.source = {"model.safetensors 123 456", "a \"quoted\" name"};
  manifest.config_hash = {1, 2};
  manifest.tokenizer_hash = Hash128{3, 4};
  manifest.files = {{"coordinator.safetensors",
                     100'000,
                     {{"model.norm.weight", DType::kBf16, {40}, {5, 6}},
                      {"lm_head.weight", DType::kQ8, {97, 40}, {7, 8}}}},
                    {"expert-00.safetensors", 100'000, {{"w", DType::kQ4, {52, 40}, {9, 10}}}}};
  return manifest;
}

// A whole manifest whose only file has the members `file`, its only tensor the members `tensor`.
std::string Text(const std::string& file, const std::string& tensor) {
  return R"({"format":"windrose-checkpoint","version":3,"dtype":"q4","source":[],"config_hash":")" +
         kHash + R"(","files":[{)" + file + R"("tensors":[{)" + tensor + "}]}]}";
}
const std::string kGoodFile = R"("name":"a.safetensors","bytes":100000,)";
const std::string kGoodTensor =
    R"("name":"w","format":"q4","shape":[16,64],"hash":")" + kHash + "\"";

TEST(Manifest, ReadsBackWhatItWrites) {
  const auto read = ParseManifest(ToManifestJson(Example()));
  ASSERT_TRUE(read.ok()) << ToString(read.status());
  EXPECT_EQ(*read, Example());
  Manifest bare;
  bare.config_hash = {1, 2};
  EXPECT_EQ(*ParseManifest(ToManifestJson(bare)), bare);
}

TEST(Manifest, ReadsTheSmallestOfATensor) {
  const auto read = ParseManifest(Text(kGoodFile, kGoodTensor));
  ASSERT_TRUE(read.ok()) << ToString(read.status());
  EXPECT_EQ(read->files[0].tensors[0].hash.Hex(), kHash);
  EXPECT_FALSE(read->tokenizer_hash.has_value());
}

TEST(Manifest, RefusesWhatIsMissingOrOfAnotherKind) {
  const std::string good = ToManifestJson(Example());
  const struct {
    std::string from;
    std::string to;
    std::string says;
  } cases[] = {
      {"windrose-checkpoint", "other", "format"},
      {"\"version\": 3", "\"version\": 2", "version: wanted 3, got 2; the model must be converted"},
      {"\"version\": 3", "\"version\": 4", "version: wanted 3, got 4; a newer release"},
      {"\"version\": 3", "\"version\": \"3\"", "version"},
      {"\"version\": 3,", "", "version"},
      {"\"dtype\": \"q4\"", "\"dtype\": \"q5\"", "q5"},
      {"\"dtype\": \"q4\"", "\"dtype\": \"f32\"", "dtype"},
      {"\"dtype\": \"q4\"", "\"dtype\": \"bf16\"", "no tensors in q8"},
      {"\"dtype\": \"q4\"", "\"dtype\": 4", "dtype"},
      {"\"source\": [", "\"source\": [7,", "source"},
      {"\"config_hash\"", "\"config_hash2\"", "config_hash"},
      {"0000000000000001", "000000000000000", "config_hash"},
      {"0000000000000001", "000000000000000G", "config_hash"},
      {"0000000000000003", "000000000000000A", "tokenizer_hash"},
      {"\"files\"", "\"filez\"", "filez"},
      {"\"files\": [", "\"files\": 7, \"more\": [", "more"},
      {"expert-00.safetensors", "coordinator.safetensors", "twice"},
      {"\"name\":\"w\"", "\"name\":\"lm_head.weight\"", "twice"},
  };
  for (const auto& [from, to, says] : cases) {
    std::string text = good;
    ASSERT_NE(text.find(from), std::string::npos) << from;
    const auto refused = ParseManifest(text.replace(text.find(from), from.size(), to));
    EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument) << to;
    EXPECT_THAT(Message(refused.status()), HasSubstr(says)) << to;
  }
}

TEST(Manifest, RefusesFilesThatAreNotPlainWeightFiles) {
  for (const std::string& file :
       {std::string(R"("name":"../a.safetensors","bytes":100000,)"),
        std::string(R"("name":"/etc/a.safetensors","bytes":100000,)"),
        std::string(R"("name":"a.bin","bytes":100000,)"), std::string(R"("bytes":100000,)"),
        std::string(R"("name":7,"bytes":100000,)"), std::string(R"("name":"a.safetensors",)"),
        std::string(R"("name":"a.safetensors","bytes":-1,)"),
        std::string(R"("name":"a.safetensors","bytes":0,)"),
        std::string(R"("name":"a.safetensors","bytes":18446744073709551615,)"),
        std::string(R"("name":"a.safetensors","bytes":1e9,)"),
        std::string(R"("name":"a.safetensors","bytes":600,)"),  // less than its tensor
        std::string(R"("name":"a.safetensors","bytes":100000,"mode":1,)"),
        R"("name":")" + std::string(2000, 'a') + R"(.safetensors","bytes":100000,)"}) {
    EXPECT_EQ(ParseManifest(Text(file, kGoodTensor)).status().code(), StatusCode::kInvalidArgument)
        << file;
  }
}

TEST(Manifest, RefusesTensorsThatCannotBe) {
  const auto tensor = [](const std::string& format, const std::string& shape) {
    return R"("name":"w","format":")" + format + R"(","shape":)" + shape + R"(,"hash":")" + kHash +
           "\"";
  };
  for (const std::string& bad :
       {tensor("q4", "[16]"), tensor("q4", "[]"), tensor("bf16", "[]"), tensor("q4", "[16,64,1]"),
        tensor("q4", "[0,64]"), tensor("q4", "[-16,64]"), tensor("bf16", "[16.5,64]"),
        tensor("q4", "[4294967296,4294967296]"), tensor("q4", "[16777216,16777216]"),
        tensor("q4", "16"), tensor("Q4", "[16,64]"), tensor("U8", "[1088]"),
        std::string("\"name\":\"w\""), kGoodTensor + ",\"sign\":1",
        R"("name":"w","format":"q4","shape":[16,64],"hash":"")" + std::string()}) {
    const auto refused = ParseManifest(Text(kGoodFile, bad));
    EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(Message(refused.status()), HasSubstr("a.safetensors")) << bad;
  }
}

// A product quantises its rows for q8 and q4 alike, and rounds them for pbf16.
TEST(Manifest, MixesQ8AndQ4AndNothingElse) {
  const auto parse = [](DType dtype, DType format) {
    Manifest manifest = Example();
    manifest.dtype = dtype;
    manifest.files = {{"a.safetensors", 100'000, {{"w", format, {16, 64}, {1, 2}}}}};
    return ParseManifest(ToManifestJson(manifest)).status();
  };
  EXPECT_TRUE(parse(DType::kQ4, DType::kQ8).ok());
  EXPECT_TRUE(parse(DType::kQ8, DType::kQ4).ok());
  EXPECT_TRUE(parse(DType::kPackedBf16, DType::kPackedBf16).ok());
  EXPECT_TRUE(parse(DType::kPackedBf16, DType::kBf16).ok());
  EXPECT_THAT(Message(parse(DType::kQ4, DType::kPackedBf16)), HasSubstr("pbf16"));
  EXPECT_THAT(Message(parse(DType::kPackedBf16, DType::kQ8)), HasSubstr("q8"));
  EXPECT_THAT(Message(parse(DType::kBf16, DType::kPackedBf16)), HasSubstr("pbf16"));
}

TEST(Manifest, RefusesTextsThatAreNotStrictJson) {
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("null"),
        std::string(R"({"format":"windrose-checkpoint","format":"windrose-checkpoint"})"),
        std::string(100'000, '['), ToManifestJson(Example()) + "x"}) {
    EXPECT_EQ(ParseManifest(text).status().code(), StatusCode::kInvalidArgument);
  }
}

TEST(Manifest, IsRefusedWhereverItIsCut) {
  const std::string text = Text(kGoodFile, kGoodTensor);
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(ParseManifest(text.substr(0, size)).ok()) << size;
  }
}

TEST(Manifest, RefusesMoreSourcesAndFilesThanAllowed) {
  Manifest manifest = Example();
  manifest.source.assign(kMaxManifestSources + 1, "x");
  EXPECT_THAT(Message(ParseManifest(ToManifestJson(manifest)).status()), HasSubstr("source"));
  manifest = Example();
  manifest.files.assign(kMaxManifestFiles + 1, manifest.files[0]);
  EXPECT_THAT(Message(ParseManifest(ToManifestJson(manifest)).status()), HasSubstr("files"));
}

TEST(Hash128, ReadsBackItsHexDigits) {
  const Hash128 hash = HashOf("windrose");
  EXPECT_EQ(ParseHash128(hash.Hex()), hash);
  EXPECT_EQ(ParseHash128(hash.Hex() + "0"), std::nullopt);
  EXPECT_EQ(ParseHash128(std::string(32, 'F')), std::nullopt);
}

// XXH3-128 of nothing, as its authors publish it.
TEST(ContentHasher, IsXxh3) {
  EXPECT_EQ(HashOf(std::string_view()).Hex(), "99aa06d3014798d86001c324468d497f");
  const std::string text(1000, 'w');
  ContentHasher hasher;
  hasher.Add(std::as_bytes(std::span(text).first(333)));
  hasher.Add(std::as_bytes(std::span(text).subspan(333)));
  EXPECT_EQ(hasher.Finish(), HashOf(text));
}

TEST(FormatName, ReadsBack) {
  for (const DType format :
       {DType::kF32, DType::kF16, DType::kBf16, DType::kQ8, DType::kQ4, DType::kPackedBf16}) {
    EXPECT_EQ(FormatNamed(FormatName(format)), format);
  }
  EXPECT_EQ(FormatNamed("BF16"), std::nullopt);
}

}  // namespace
}  // namespace windrose
