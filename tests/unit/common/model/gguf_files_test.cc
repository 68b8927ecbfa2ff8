#include "common/model/gguf_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <functional>
#include <string>

#include "tests/support/temporary_directory.h"
#include "tests/unit/common/model/gguf_file.h"

namespace windrose {
namespace {

using testing::HasSubstr;

// Three files with a tensor each: "t0", "t1", "t2", of four bytes.
struct Split {
  std::array<GgufFile, 3> files;

  Split() {
    for (uint16_t number = 0; number < 3; ++number) {
      GgufFile& file = files[number];
      file.Add("split.no", GgufValueType::kU16, Encoded(number));
      file.Add("split.count", GgufValueType::kU16, Encoded(uint16_t{3}));
      file.Add("split.tensors.count", GgufValueType::kI32, Encoded(int32_t{3}));
      const std::string digit = std::to_string(number);
      file.AddTensor("t" + digit, {1}, GgufTensorType::kF32, "num" + digit);
    }
    files[0].AddText("general.name", "tiny");
  }

  void Write(const TemporaryDirectory& directory) const {
    for (size_t i = 0; i < files.size(); ++i) {
      WriteFile(directory.file("m-0000" + std::to_string(i + 1) + "-of-00003.gguf"),
                files[i].Bytes());
    }
  }
};

StatusOr<std::shared_ptr<const GgufFiles>> OpenSplit(const std::function<void(Split&)>& spoil) {
  const TemporaryDirectory directory;
  Split split;
  spoil(split);
  split.Write(directory);
  return GgufFiles::Open(directory.file("m-00001-of-00003.gguf"));
}

void ExpectRefused(const StatusOr<std::shared_ptr<const GgufFiles>>& files,
                   const std::string& why) {
  ASSERT_FALSE(files.ok()) << why;
  EXPECT_THAT(Message(files.status()), HasSubstr(why));
}

TEST(GgufFiles, OpensOneFile) {
  const TemporaryDirectory directory;
  GgufFile file;
  file.AddText("general.name", "tiny");
  file.AddTensor("t", {1}, GgufTensorType::kF32, "four");
  WriteFile(directory.file("model.gguf"), file.Bytes());
  const auto files = GgufFiles::Open(directory.file("model.gguf"));
  ASSERT_TRUE(files.ok()) << ToString(files.status());
  EXPECT_EQ((*files)->files().size(), 1U);
  EXPECT_EQ(*(*files)->metadata().Text("general.name"), "tiny");
  EXPECT_EQ((*files)->tensors().at("t").bytes().front(), std::byte{'f'});
}

TEST(GgufFiles, OpensASplit) {
  const auto files = OpenSplit([](Split&) {});
  ASSERT_TRUE(files.ok()) << ToString(files.status());
  EXPECT_EQ((*files)->files().size(), 3U);
  EXPECT_EQ(*(*files)->metadata().Text("general.name"), "tiny");
  for (const char* digit : {"0", "1", "2"}) {
    const GgufFiles::Tensor& tensor = (*files)->tensors().at(std::string("t") + digit);
    EXPECT_EQ(tensor.bytes().back(), std::byte(digit[0]));
  }
}

TEST(GgufFiles, OpensASplitWhoseFirstFileHasKeysOnly) {
  const auto files = OpenSplit([](Split& split) {
    split.files[0].tensors.clear();
    split.files[0].data.clear();
    split.files[0].at("split.tensors.count").value = Encoded(int32_t{2});
  });
  ASSERT_TRUE(files.ok()) << ToString(files.status());
  EXPECT_EQ((*files)->tensors().size(), 2U);
}

TEST(GgufFiles, RefusesAnotherFileThanTheFirst) {
  const TemporaryDirectory directory;
  Split().Write(directory);
  ExpectRefused(GgufFiles::Open(directory.file("m-00002-of-00003.gguf")),
                "m-00002-of-00003.gguf: split: wanted number 0 of 3");
}

TEST(GgufFiles, RefusesASplitOfAnotherName) {
  const TemporaryDirectory directory;
  WriteFile(directory.file("m.gguf"), Split().files[0].Bytes());
  ExpectRefused(GgufFiles::Open(directory.file("m.gguf")), "ends with -00001-of-00003.gguf");
}

TEST(GgufFiles, RefusesASplitThatIsNotWhole) {
  const TemporaryDirectory directory;
  Split().Write(directory);
  std::filesystem::remove(directory.file("m-00003-of-00003.gguf"));
  const auto files = GgufFiles::Open(directory.file("m-00001-of-00003.gguf"));
  EXPECT_EQ(files.status().code(), StatusCode::kNotFound);
  ExpectRefused(files, "m-00003-of-00003.gguf");
}

TEST(GgufFiles, RefusesFilesThatDoNotBelongTogether) {
  ExpectRefused(OpenSplit([](Split& split) { std::swap(split.files[1], split.files[2]); }),
                "m-00002-of-00003.gguf: split: wanted number 1 of 3");
  ExpectRefused(OpenSplit([](Split& split) {
                  split.files[2].at("split.count").value = Encoded(uint16_t{4});
                }),
                "m-00003-of-00003.gguf: split");
  ExpectRefused(OpenSplit([](Split& split) { split.files[2].Remove("split.count"); }),
                "m-00003-of-00003.gguf: split");
  ExpectRefused(OpenSplit([](Split& split) { split.files[2].tensors[0].name = "t0"; }),
                "in another file");
  ExpectRefused(OpenSplit([](Split& split) {
                  split.files[0].at("split.tensors.count").value = Encoded(int32_t{4});
                }),
                "split.tensors.count: wanted 4");
  ExpectRefused(OpenSplit([](Split& split) { split.files[0].Remove("split.tensors.count"); }),
                "split.tensors.count");
  ExpectRefused(OpenSplit([](Split& split) { split.files[1].magic = "GGML"; }),
                "m-00002-of-00003.gguf: magic");
}

TEST(GgufFiles, RefusesImpossibleSplits) {
  const auto numbered = [](uint16_t number, uint16_t count) {
    return OpenSplit([&](Split& split) {
      split.files[0].at("split.no").value = Encoded(number);
      split.files[0].at("split.count").value = Encoded(count);
    });
  };
  ExpectRefused(numbered(0, 65'535), "split: wanted at most");
  ExpectRefused(numbered(3, 3), "split");
  ExpectRefused(numbered(1, 0), "split");
  ExpectRefused(numbered(0, 2), "ends with -00001-of-00002.gguf");
}

TEST(GgufFiles, RefusesWhatIsNotAPlainFile) {
  const TemporaryDirectory directory;
  EXPECT_EQ(GgufFiles::Open(directory.file("absent.gguf")).status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(GgufFiles::Open(directory.path()).ok());
  EXPECT_FALSE(GgufFiles::Open(directory.path() + "/").ok());
  EXPECT_FALSE(GgufFiles::Open("").ok());
  WriteFile(directory.file("model.gguf"), Split().files[0].Bytes());
  std::filesystem::create_symlink(directory.file("model.gguf"), directory.file("link.gguf"));
  ExpectRefused(GgufFiles::Open(directory.file("link.gguf")), "symbolic link");
}

}  // namespace
}  // namespace windrose
