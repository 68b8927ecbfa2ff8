#include "common/model/gguf_metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "tests/unit/common/model/gguf_file.h"

namespace windrose {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A file's bytes and header together.
class Parsed {
 public:
  explicit Parsed(const GgufFile& file) : bytes_(file.Bytes()) {
    auto header = ParseGgufHeader(std::as_bytes(std::span(bytes_)), bytes_.size());
    EXPECT_TRUE(header.ok()) << ToString(header.status());
    header_ = *std::move(header);
  }
  GgufMetadata metadata() const { return {header_.values, std::as_bytes(std::span(bytes_))}; }

 private:
  std::string bytes_;
  GgufHeader header_;
};

void ExpectRefused(const Status& status, const std::string& why) {
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status), HasSubstr(why));
}

TEST(GgufMetadata, ReadsCountsOfAnyWidth) {
  GgufFile file;
  file.Add("u8", GgufValueType::kU8, Encoded(uint8_t{200}));
  file.Add("i8", GgufValueType::kI8, Encoded(int8_t{100}));
  file.Add("u16", GgufValueType::kU16, Encoded(uint16_t{60'000}));
  file.Add("i32", GgufValueType::kI32, Encoded(int32_t{2'000'000'000}));
  file.Add("u32", GgufValueType::kU32, Encoded(~uint32_t{0}));
  file.Add("u64", GgufValueType::kU64, Encoded(uint64_t{7}));
  file.Add("i64", GgufValueType::kI64, Encoded(int64_t{8}));
  const Parsed parsed(file);
  const GgufMetadata metadata = parsed.metadata();
  EXPECT_EQ(*metadata.Count("u8"), 200U);
  EXPECT_EQ(*metadata.Count("i8"), 100U);
  EXPECT_EQ(*metadata.Count("u16"), 60'000U);
  EXPECT_EQ(*metadata.Count("i32"), 2'000'000'000U);
  EXPECT_EQ(*metadata.Count("u32"), ~uint32_t{0});
  EXPECT_EQ(*metadata.Count("u64"), 7U);
  EXPECT_EQ(*metadata.Count("i64"), 8U);
}

TEST(GgufMetadata, RefusesCountsThatAreNegativeOrTooLarge) {
  GgufFile file;
  file.Add("i8", GgufValueType::kI8, Encoded(int8_t{-1}));
  file.Add("i64", GgufValueType::kI64, Encoded(std::numeric_limits<int64_t>::min()));
  file.Add("u64", GgufValueType::kU64, Encoded(uint64_t{1} << 32));
  file.AddF32("f32", 3.0F);
  file.AddArray("array", GgufValueType::kU32, {Encoded(1U)});
  file.AddArray("signs", GgufValueType::kI32, {Encoded(1), Encoded(-1)});
  const Parsed parsed(file);
  for (const char* key : {"i8", "i64", "u64", "f32"}) {
    ExpectRefused(parsed.metadata().Count(key).status(),
                  "key \"" + std::string(key) + "\": wanted a whole number");
  }
  ExpectRefused(parsed.metadata().Count("array").status(), "wanted one value");
  ExpectRefused(parsed.metadata().Counts("signs", 9).status(), "larger one at 1");
}

TEST(GgufMetadata, ReadsTheOtherTypes) {
  GgufFile file;
  file.AddF32("f32", 0.5F);
  file.Add("f64", GgufValueType::kF64, Encoded(1e100));
  file.AddBool("yes", true);
  file.AddBool("no", false);
  file.AddText("text", "llama");
  file.AddArray("texts", GgufValueType::kString, {EncodedText("a"), EncodedText("")});
  file.AddArray("floats", GgufValueType::kF32, {Encoded(1.5F), Encoded(-2.5F)});
  file.AddArray("counts", GgufValueType::kI16, {Encoded(int16_t{3}), Encoded(int16_t{4})});
  const Parsed parsed(file);
  const GgufMetadata metadata = parsed.metadata();
  EXPECT_EQ(*metadata.Number("f32"), 0.5);
  EXPECT_EQ(*metadata.Number("f64"), 1e100);
  EXPECT_TRUE(*metadata.Flag("yes"));
  EXPECT_FALSE(*metadata.Flag("no"));
  EXPECT_EQ(*metadata.Text("text"), "llama");
  EXPECT_THAT(*metadata.Texts("texts", 2), ElementsAre("a", ""));
  EXPECT_THAT(*metadata.Floats("floats", 2), ElementsAre(1.5F, -2.5F));
  EXPECT_THAT(*metadata.Counts("counts", 2), ElementsAre(3U, 4U));
  EXPECT_EQ(*metadata.ElementsOf("texts"), 2U);
  EXPECT_TRUE(metadata.Has("text"));
  EXPECT_FALSE(metadata.Has("texts2"));
}

TEST(GgufMetadata, RefusesOtherTypesThanWanted) {
  GgufFile file;
  file.AddU32("u32", 1);
  file.AddF32("nan", std::nanf(""));
  file.AddF32("infinite", std::numeric_limits<float>::infinity());
  file.AddArray("texts", GgufValueType::kString, {EncodedText("a"), EncodedText("b")});
  const Parsed parsed(file);
  const GgufMetadata metadata = parsed.metadata();
  ExpectRefused(metadata.Number("u32").status(), "wanted a finite f32");
  ExpectRefused(metadata.Number("nan").status(), "wanted a finite f32");
  ExpectRefused(metadata.Number("infinite").status(), "wanted a finite f32");
  ExpectRefused(metadata.Flag("u32").status(), "wanted a bool");
  ExpectRefused(metadata.Text("u32").status(), "wanted a string, the file has a value of type u32");
  ExpectRefused(metadata.Texts("u32", 9).status(), "wanted an array");
  ExpectRefused(metadata.Texts("texts", 1).status(), "at most 1 elements");
  ExpectRefused(metadata.Floats("texts", 9).status(), "wanted f32 numbers");
  ExpectRefused(metadata.Counts("texts", 9).status(), "wanted whole numbers");
  EXPECT_EQ(metadata.Count("absent").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(metadata.ElementsOf("absent").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace windrose
