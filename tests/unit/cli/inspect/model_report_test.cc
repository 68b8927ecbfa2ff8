#include "cli/inspect/model_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/synth/model_shapes.h"

namespace windrose::cli {
namespace {

ModelReport Describe(const ReportOptions& options) {
  return *DescribeModel(*ShapeNamed("mixtral-8x7b"), options);
}

// The published figures of Mixtral 8x7B: 46.7 B parameters, 12.9 B of them used for a token.
TEST(ModelReport, CountsMixtralAsPublished) {
  const ModelReport report = Describe({});
  EXPECT_EQ(report.parameters, 46'702'792'704U);
  EXPECT_EQ(report.active_parameters, 12'879'925'248U);
  EXPECT_EQ(report.expert_parameters, 32ULL * 3 * 4096 * 14336);
}

TEST(ModelReport, WeighsWithTheChosenFormat) {
  ReportOptions options;
  EXPECT_EQ(Describe(options).total_bytes, 2 * 46'702'792'704U);
  options.dtype = DType::kF32;
  EXPECT_EQ(Describe(options).total_bytes, 4 * 46'702'792'704U);
}

// 4.3125 and 8.25 bits for a weight, and four bytes for a row of a matrix.
TEST(ModelReport, WeighsPackedFormatsByTheirTrueSize) {
  ReportOptions options;
  options.dtype = DType::kQ4;
  constexpr uint64_t kRows = 2 * 14336 + 4096;
  constexpr uint64_t kWeights = 3ULL * 4096 * 14336;
  EXPECT_EQ(Describe(options).expert_bytes, 32 * (kWeights / 128 * 69 + 4 * kRows));
  options.dtype = DType::kQ8;
  EXPECT_EQ(Describe(options).expert_bytes, 32 * (kWeights / 32 * 33 + 4 * kRows));
  // The embedding stays in bf16: 262 MB more than the head, which is packed.
  EXPECT_GT(Describe(options).coordinator_bytes,
            Describe(options).coordinator_parameters / 32 * 33);
}

TEST(ModelReport, WeighsWhatIsStoredAsItIsStored) {
  ReportOptions options;
  options.stored_format = [](const TensorSpec& tensor) {
    return tensor.of_expert ? DType::kBf16 : DType::kF32;
  };
  const ModelReport report = Describe(options);
  EXPECT_EQ(report.coordinator_bytes, 4 * report.coordinator_parameters);
  EXPECT_EQ(report.expert_bytes, 2 * report.expert_parameters);
}

TEST(ModelReport, SharesTheExpertsOut) {
  const ModelReport report = Describe({});
  ASSERT_EQ(report.workers.size(), 4U);
  for (const WorkerShare& worker : report.workers) {
    EXPECT_EQ(worker.experts.size(), 4U);
    EXPECT_EQ(worker.bytes, 4 * report.expert_bytes);
  }
}

TEST(ModelReport, SaysHowManyMachinesTheExpertsNeed) {
  ReportOptions options;
  options.memory_bytes = 24ULL << 30;
  const ModelReport report = Describe(options);
  EXPECT_EQ(report.experts_in_memory, 2U);     // 10.5 GiB each
  EXPECT_EQ(report.machines_for_experts, 8U);  // 16 copies
  EXPECT_THAT(FormatReport(report), testing::HasSubstr("does not fit"));
}

TEST(ModelReport, PutsCopiesOnDifferentMachinesHoweverLarge) {
  ReportOptions options;
  options.memory_bytes = 1ULL << 40;
  EXPECT_EQ(Describe(options).experts_in_memory, 8U);
  EXPECT_EQ(Describe(options).machines_for_experts, 2U);
}

TEST(ModelReport, SaysWhenNotEvenOneExpertFits) {
  ReportOptions options;
  options.memory_bytes = 1 << 30;
  const ModelReport report = Describe(options);
  EXPECT_EQ(report.machines_for_experts, 0U);
  EXPECT_THAT(FormatReport(report), testing::HasSubstr("not even one expert fits"));
}

TEST(ModelReport, RefusesMoreCopiesThanWorkers) {
  ReportOptions options;
  options.workers = 1;
  EXPECT_FALSE(DescribeModel(*ShapeNamed("tiny"), options).ok());
}

TEST(FormatCount, UsesTheUnitThatReadsBest) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(7'740'000), "7.74 M");
  EXPECT_EQ(FormatCount(46'702'792'704), "46.7 B");
}

}  // namespace
}  // namespace windrose::cli
