#include "common/model/safetensors_writer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "common/model/mapped_file.h"
#include "common/model/safetensors.h"
#include "common/tensor/convert.h"
#include "common/tensor/packed_layout.h"
#include "tests/support/temporary_directory.h"

namespace windrose {
namespace {

TEST(SafetensorsWriter, WritesWhatTheReaderReads) {
  const TemporaryDirectory directory;
  const std::vector<TensorToWrite> tensors = {{"first", DType::kBf16, {3, 5}},
                                              {"second", DType::kF32, {2}}};
  auto writer = SafetensorsWriter::Create(directory.file("x.safetensors"), tensors);
  ASSERT_TRUE(writer.ok()) << ToString(writer.status());
  const std::vector<float> first(15, 1.5F);
  const std::vector<float> second = {2.0F, -3.0F};
  ASSERT_TRUE(writer->AppendValues(std::span(first).first(7), DType::kBf16).ok());
  ASSERT_TRUE(writer->AppendValues(std::span(first).subspan(7), DType::kBf16).ok());
  ASSERT_TRUE(writer->AppendValues(second, DType::kF32).ok());
  ASSERT_TRUE(writer->Finish().ok());

  const auto file = MappedFile::Open(directory.path(), "x.safetensors");
  ASSERT_TRUE(file.ok()) << ToString(file.status());
  const auto read = ParseSafetensorsHeader((*file)->bytes(), (*file)->bytes().size());
  ASSERT_TRUE(read.ok()) << ToString(read.status());
  EXPECT_EQ(read->at("first").begin % 64, 0U);
  const auto& entry = read->at("second");
  float values[2];
  std::memcpy(values, (*file)->bytes().data() + entry.begin, sizeof(values));
  EXPECT_EQ(values[1], -3.0F);
}

TEST(SafetensorsWriter, WritesPackedTensorsAsBytes) {
  const TemporaryDirectory directory;
  const std::vector<TensorToWrite> tensors = {{"w", DType::kQ4, {17, 65}}};
  const size_t bytes = PackedMatrixBytes(DType::kQ4, 17, 65);
  auto writer = SafetensorsWriter::Create(directory.file("x.safetensors"), tensors);
  ASSERT_TRUE(writer.ok()) << ToString(writer.status());
  ASSERT_TRUE(writer->Append(std::vector<std::byte>(bytes)).ok());
  ASSERT_TRUE(writer->Finish().ok());
  const auto file = MappedFile::Open(directory.path(), "x.safetensors");
  const auto read = ParseSafetensorsHeader((*file)->bytes(), (*file)->bytes().size());
  ASSERT_TRUE(read.ok()) << ToString(read.status());
  EXPECT_EQ(read->at("w").dtype, "U8");
  EXPECT_EQ(read->at("w").shape, std::vector<uint64_t>{bytes});
}

TEST(SafetensorsWriter, PacksMatricesOnly) {
  const TemporaryDirectory directory;
  for (const std::vector<uint64_t>& shape :
       {std::vector<uint64_t>{16}, std::vector<uint64_t>{}, std::vector<uint64_t>{1, 2, 3},
        std::vector<uint64_t>{16, uint64_t{1} << 60}}) {
    const std::vector<TensorToWrite> tensors = {{"w", DType::kQ8, shape}};
    EXPECT_FALSE(SafetensorsWriter::Create(directory.file("x"), tensors).ok());
  }
}

TEST(SafetensorsWriter, SaysWhenTheDiskIsFull) {
  const std::vector<TensorToWrite> tensors = {{"w", DType::kF32, {1 << 20}}};
  auto writer = SafetensorsWriter::Create("/dev/full", tensors);
  ASSERT_TRUE(writer.ok()) << ToString(writer.status());
  EXPECT_EQ(writer->Append(std::vector<std::byte>(4 << 20)).code(), StatusCode::kResourceExhausted);
}

TEST(SafetensorsWriter, RefusesTooMuchAndTooLittleData) {
  const TemporaryDirectory directory;
  const std::vector<TensorToWrite> tensors = {{"t", DType::kF32, {2}}};
  auto writer = SafetensorsWriter::Create(directory.file("x"), tensors);
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ(writer->Finish().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(writer->AppendValues(std::vector<float>(3), DType::kF32).code(),
            StatusCode::kOutOfRange);
}

TEST(SafetensorsWriter, RefusesNamesThatWouldNeedEscapesAndOverflow) {
  const TemporaryDirectory directory;
  for (const TensorToWrite& bad :
       {TensorToWrite{"a\"b", DType::kF32, {1}}, TensorToWrite{"a\n", DType::kF32, {1}},
        TensorToWrite{"a", DType::kF32, {uint64_t{1} << 62}}}) {
    EXPECT_FALSE(SafetensorsWriter::Create(directory.file("x"), std::vector{bad}).ok());
  }
}

TEST(SafetensorsWriter, SaysWhenTheFileCannotBeMade) {
  EXPECT_FALSE(SafetensorsWriter::Create("/nonexistent/x", {}).ok());
}

}  // namespace
}  // namespace windrose
