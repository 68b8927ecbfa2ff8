#include "common/loading/weight_loading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace windrose {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CollectingLog final : public Log {
 public:
  void Write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override {
    std::string line = level == LogLevel::kError ? "error " : "";
    line.append(event);
    for (const LogField& field : fields) line.append(" " + field.key + "=" + field.value);
    lines.push_back(std::move(line));
  }
  std::vector<std::string> lines;
};

// What a process has, with weights in a file of its own.
struct TestProcess {
  std::shared_ptr<const WeightStorage> WeightsWith(std::optional<Hash128> hash) {
    std::ofstream(directory.file("a.safetensors")) << "abc";
    return Weights(hash);
  }

  // Zeros that nobody reads in the time of a test.
  std::shared_ptr<const WeightStorage> EndlessWeights() {
    std::ofstream(directory.file("a.safetensors")) << "abc";
    std::filesystem::resize_file(directory.file("a.safetensors"), uint64_t{16} << 30);
    return Weights(std::nullopt);
  }

  std::shared_ptr<const WeightStorage> Weights(std::optional<Hash128> hash) const {
    auto file = *MappedFile::Open(directory.path(), "a.safetensors");
    const auto bytes = file->bytes();
    return std::make_shared<const WeightStorage>(
        std::vector<WeightStorage::Tensor>{{"w", std::move(file), bytes, hash}});
  }

  Status AwaitResult(WeightLoading& loading) const {
    while (health.Report().conditions.empty()) {
      RETURN_IF_ERROR(loading.Check());
      std::this_thread::yield();
    }
    return OkStatus();
  }

  TemporaryDirectory directory;
  ManualClock clock;
  SignalWaiter signals;
  HealthState health{clock};
  CollectingLog log;
  MetricRegistry metrics;
  const WeightLoading::Surroundings surroundings{clock, signals, health, log, metrics};
};

class WeightLoadingTest : public testing::Test {
 protected:
  TestProcess process_;
  WeightLoading loading_{process_.surroundings, "windrose_test_"};
};

TEST_F(WeightLoadingTest, ReadsAndComparesNothingWhenItIsOff) {
  loading_.Start("off", process_.WeightsWith(HashOf("abd")));
  EXPECT_TRUE(*loading_.AwaitReady());
  EXPECT_TRUE(process_.AwaitResult(loading_).ok());
  EXPECT_THAT(process_.log.lines, ElementsAre(HasSubstr("weights_read bytes=3 verified=no")));
}

TEST_F(WeightLoadingTest, IsReadyAtOnceWhenItReadsInTheBackground) {
  loading_.Start("background", process_.EndlessWeights());
  EXPECT_TRUE(*loading_.AwaitReady());
  EXPECT_TRUE(loading_.Check().ok());
  EXPECT_TRUE(process_.log.lines.empty());
  EXPECT_TRUE(process_.health.Report().conditions.empty());
}

TEST_F(WeightLoadingTest, SaysOnceWhatCameOutInTheBackground) {
  loading_.Start("background", process_.WeightsWith(HashOf("abc")));
  process_.clock.now += Seconds(2);
  EXPECT_TRUE(process_.AwaitResult(loading_).ok());
  EXPECT_TRUE(loading_.Check().ok());
  EXPECT_THAT(process_.log.lines, ElementsAre(AllOf(HasSubstr("weights_read bytes=3 verified=yes"),
                                                    HasSubstr("seconds=2"))));
}

TEST_F(WeightLoadingTest, SaysTheSameBeforeReady) {
  loading_.Start("before-ready", process_.WeightsWith(HashOf("abc")));
  EXPECT_TRUE(*loading_.AwaitReady());
  EXPECT_THAT(process_.log.lines, ElementsAre(HasSubstr("weights_read bytes=3 verified=yes")));
  EXPECT_EQ(process_.health.Report().startup_phase, "reading weights");
  EXPECT_TRUE(loading_.Check().ok());
  EXPECT_EQ(process_.log.lines.size(), 1U);
}

TEST_F(WeightLoadingTest, DamagedWeightsAreAnErrorOnce) {
  loading_.Start("background", process_.WeightsWith(HashOf("abd")));
  EXPECT_EQ(process_.AwaitResult(loading_).code(), StatusCode::kDataLoss);
  EXPECT_TRUE(loading_.Check().ok());
  EXPECT_THAT(process_.log.lines, ElementsAre(AllOf(HasSubstr("error weights_damaged"),
                                                    HasSubstr("a.safetensors: tensor w"))));
  EXPECT_FALSE(process_.health.Report().conditions.at(0).ok);
}

TEST_F(WeightLoadingTest, DamagedWeightsNeverBecomeReady) {
  loading_.Start("before-ready", process_.WeightsWith(HashOf("abd")));
  EXPECT_EQ(loading_.AwaitReady().status().code(), StatusCode::kDataLoss);
  EXPECT_THAT(process_.log.lines, ElementsAre(HasSubstr("error weights_damaged")));
  EXPECT_FALSE(process_.health.Report().conditions.at(0).ok);
}

TEST_F(WeightLoadingTest, VerifiesNothingThatHasNoHash) {
  loading_.Start("before-ready", process_.WeightsWith(std::nullopt));
  EXPECT_TRUE(*loading_.AwaitReady());
  EXPECT_THAT(process_.log.lines, ElementsAre(HasSubstr("weights_read bytes=3 verified=no")));
}

TEST_F(WeightLoadingTest, GaugesFollowItAndMayOutliveIt) {
  EXPECT_THAT(process_.metrics.Text(), AllOf(HasSubstr("windrose_test_weight_read_bytes 0"),
                                             HasSubstr("windrose_test_weights_verified 0")));
  {
    WeightLoading other(process_.surroundings, "windrose_other_");
    other.Start("before-ready", process_.WeightsWith(HashOf("abc")));
    EXPECT_TRUE(*other.AwaitReady());
  }
  EXPECT_THAT(process_.metrics.Text(), AllOf(HasSubstr("windrose_other_weight_read_bytes 3"),
                                             HasSubstr("windrose_other_weight_large_page_bytes 0"),
                                             HasSubstr("windrose_other_weights_verified 1"),
                                             HasSubstr("windrose_test_weight_read_bytes 0")));
}

// The signal comes after two beats.
bool EndsUnreadyAndSilent() {
  TestProcess process;
  bool ready = true;
  int beats = 0;
  {
    WeightLoading loading(process.surroundings, "windrose_test_");
    loading.Start("before-ready", process.EndlessWeights());
    const auto beat = [&] {
      if (++beats == 3) raise(SIGTERM);
    };
    ready = loading.AwaitReady(Microseconds(1), beat).value_or(true);
  }
  return !ready && beats == 3 && process.log.lines.empty();
}

// In a process of its own: what a signal leaves behind would outlive the test.
TEST(WeightLoading, SignalEndsTheWaitForReadyAndTheReading) {
  EXPECT_EXIT(std::_Exit(EndsUnreadyAndSilent() ? 42 : 1), testing::ExitedWithCode(42), "");
}

}  // namespace
}  // namespace windrose
