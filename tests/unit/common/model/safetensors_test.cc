#include "common/model/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace windrose {
namespace {

using testing::HasSubstr;

std::string LengthPrefix(uint64_t length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(length >> (8 * i) & 0xFF);
  return bytes;
}

StatusOr<TensorEntries> Parse(const std::string& file) {
  return ParseSafetensorsHeader(std::as_bytes(std::span(file)), file.size());
}

// A file with this header and `data_bytes` zeros.
StatusOr<TensorEntries> ParseHeader(const std::string& header, size_t data_bytes) {
  return Parse(LengthPrefix(header.size()) + header + std::string(data_bytes, '\0'));
}

std::string Tensor(const std::string& name, const std::string& dtype, const std::string& shape,
                   const std::string& offsets) {
  std::string text = "\"";
  text.append(name).append("\":{\"dtype\":\"").append(dtype).append("\",\"shape\":[");
  return text.append(shape).append("],\"data_offsets\":[").append(offsets).append("]}");
}

// An object with these members.
std::string Header(const std::vector<std::string>& members) {
  std::string text;
  for (const std::string& member : members) text.append(text.empty() ? "{" : ",").append(member);
  return text.append("}");
}

void ExpectRefused(const StatusOr<TensorEntries>& result, const std::string& why) {
  ASSERT_FALSE(result.ok()) << why;
  EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(result.status()), HasSubstr(why));
}

TEST(SafetensorsHeader, GivesTensorsWithTheirPlaceInTheFile) {
  const std::string header =
      Header({"\"__metadata__\":{\"format\":\"pt\"}", Tensor("b", "BF16", "2,3", "4,16"),
              Tensor("a", "F32", "", "0,4"), Tensor("empty", "F32", "0,7", "16,16")})
          .append("  ");
  const auto tensors = ParseHeader(header, 16);
  ASSERT_TRUE(tensors.ok()) << ToString(tensors.status());
  ASSERT_EQ(tensors->size(), 3U);
  const uint64_t start = 8 + header.size();
  EXPECT_EQ(tensors->at("a").begin, start);
  EXPECT_EQ(tensors->at("b").begin, start + 4);
  EXPECT_EQ(tensors->at("b").end, start + 16);
  EXPECT_EQ(tensors->at("b").dtype, "BF16");
  EXPECT_EQ(tensors->at("b").shape, (std::vector<uint64_t>{2, 3}));
  EXPECT_TRUE(tensors->at("a").shape.empty());
  EXPECT_EQ(tensors->at("empty").bytes(), 0U);
}

TEST(SafetensorsHeader, AcceptsNoTensors) {
  const auto tensors = ParseHeader("{}", 0);
  ASSERT_TRUE(tensors.ok()) << ToString(tensors.status());
  EXPECT_TRUE(tensors->empty());
}

TEST(SafetensorsHeader, RefusesImpossibleLengths) {
  ExpectRefused(Parse(""), "header length");
  ExpectRefused(Parse(std::string(7, '\0')), "header length");
  ExpectRefused(Parse(std::string(8, '\0')), "header length");
  for (const uint64_t length : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 63, ~uint64_t{0},
                                uint64_t{100'000'001}, uint64_t{3}}) {
    ExpectRefused(Parse(LengthPrefix(length) + "{}"), "header length");
  }
}

TEST(SafetensorsHeader, RefusesWhatIsNotStrictJson) {
  for (const std::string& header :
       {std::string("[]"), std::string(" {}"), std::string("{,}"), std::string("{}x"),
        std::string("{\"a\":\"\xC3\x28\"}"), "{\"a\":" + std::string(10'000, '['),
        Header({Tensor("a", "F32", "1", "0,4"), Tensor("a", "F32", "1", "0,4")}),
        std::string("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}"),
        std::string("{\"__metadata__\":{\"a\":1}}"), std::string("{\"__metadata__\":[]}"),
        std::string("{\"a\":7}"), std::string("{\"a\":{}}"),
        std::string("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}"),
        std::string("{\"a\":{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,4]}}"),
        std::string("{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}"),
        std::string("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":4}}")}) {
    EXPECT_FALSE(ParseHeader(header, 4).ok()) << header.substr(0, 60);
  }
}

TEST(SafetensorsHeader, SameNameEscapedDifferentlyIsStillTheSameName) {
  const std::string header =
      Header({Tensor("a", "F32", "1", "0,4"), Tensor("\\u0061", "F32", "1", "4,8")});
  ExpectRefused(ParseHeader(header, 8), "twice");
}

TEST(SafetensorsHeader, RefusesOffsetsThatDoNotTileTheData) {
  const auto two = [](const std::string& first, const std::string& second, size_t bytes) {
    return ParseHeader(Header({Tensor("a", "F32", "1", first), Tensor("b", "F32", "1", second)}),
                       bytes);
  };
  ASSERT_TRUE(two("4,8", "0,4", 8).ok());
  ExpectRefused(two("0,4", "8,12", 12), "hole");
  ExpectRefused(two("0,4", "2,6", 8), "overlap");
  ExpectRefused(two("0,4", "0,4", 4), "overlap");
  ExpectRefused(two("4,8", "8,12", 12), "hole");
  ExpectRefused(two("0,4", "4,8", 9), "data");
  ExpectRefused(two("0,4", "4,8", 7), "data");
  ExpectRefused(two("4,0", "4,8", 8), "data_offsets");
  ExpectRefused(two("-4,0", "0,4", 4), "data_offsets");
  ExpectRefused(two("0,4.0", "4,8", 8), "data_offsets");
  ExpectRefused(two("0,4,8", "4,8", 8), "data_offsets");
  ExpectRefused(two("0", "4,8", 8), "data_offsets");
  ExpectRefused(two("0,8", "8,12", 12), "data_offsets");
  ExpectRefused(two("18446744073709551612,18446744073709551616", "0,4", 4), "data_offsets");
}

TEST(SafetensorsHeader, RefusesShapesThatOverflow) {
  const auto shaped = [](const std::string& shape) {
    return ParseHeader(Header({Tensor("tensor_name", "F32", shape, "0,4")}), 4);
  };
  ExpectRefused(shaped("4294967296,4294967296"), "overflow");
  ExpectRefused(shaped("9223372036854775808"), "overflow");
  ExpectRefused(shaped("9223372036854775808"), "tensor_name");
  ExpectRefused(shaped("18446744073709551615"), "overflow");
  ExpectRefused(shaped("-1"), "shape");
  ExpectRefused(shaped("1,1,1,1,1,1,1,1,1"), "shape");
  std::string many = "1";
  for (int i = 0; i < 1'000'000; ++i) many += ",1";
  EXPECT_FALSE(shaped(many).ok());
}

TEST(SafetensorsHeader, RefusesUnknownAndHalfByteNumbers) {
  for (const char* dtype : {"F4", "f32", "", "BF17", "Q8_0"}) {
    ExpectRefused(ParseHeader(Header({Tensor("a", dtype, "1", "0,4")}), 4), "dtype");
  }
}

TEST(SafetensorsHeader, RefusesMoreTensorsThanAModelHas) {
  std::vector<std::string> members;
  for (size_t i = 0; i <= kMaxTensorsInFile; ++i) {
    members.push_back(Tensor(std::to_string(i), "U8", "0", "0,0"));
  }
  EXPECT_FALSE(ParseHeader(Header(members), 0).ok());
  members.pop_back();
  EXPECT_TRUE(ParseHeader(Header(members), 0).ok());
}

}  // namespace
}  // namespace windrose
