#include "expert-worker/worker_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/manual_clock.h"

namespace windrose {
namespace {

using ::testing::HasSubstr;

TEST(WorkerProbe, CountsPassesPerExpert) {
  MetricRegistry registry;
  ManualClock clock;
  WorkerProbe probe(registry, clock, {ExpertId(2), ExpertId(5)});
  probe.OnExpertBegin(ExpertId(5), 7);
  clock.now += Milliseconds(1500);
  probe.OnExpertEnd(ExpertId(5));
  const std::string text = registry.Text();
  EXPECT_THAT(text, HasSubstr("windrose_expert_tokens_total{expert=\"5\"} 7"));
  EXPECT_THAT(text, HasSubstr("windrose_expert_batches_total{expert=\"5\"} 1"));
  EXPECT_THAT(text, HasSubstr("windrose_expert_busy_seconds_total{expert=\"5\"} 1.5"));
  EXPECT_THAT(text, HasSubstr("windrose_expert_tokens_total{expert=\"2\"} 0"));
}

TEST(WorkerProbe, SaysWhatIsLoaded) {
  MetricRegistry registry;
  ManualClock clock;
  WorkerProbe probe(registry, clock, {ExpertId(2)});
  EXPECT_THAT(registry.Text(), HasSubstr("windrose_expert_loaded{expert=\"2\"} 0"));
  probe.OnLoaded(1000, Seconds(3));
  const std::string text = registry.Text();
  EXPECT_THAT(text, HasSubstr("windrose_expert_loaded{expert=\"2\"} 1"));
  EXPECT_THAT(text, HasSubstr("windrose_expert_model_load_seconds 3"));
  EXPECT_THAT(text, HasSubstr("windrose_expert_weight_bytes 1000"));
}

TEST(WorkerProbe, CountsRepliesAndRefusalsByCode) {
  MetricRegistry registry;
  ManualClock clock;
  WorkerProbe probe(registry, clock, {});
  probe.OnReplySent(StatusCode::kOk, 100);
  probe.OnReplySent(StatusCode::kInvalidArgument, 20);
  probe.OnStreamRefused(StatusCode::kDataLoss);
  const std::string text = registry.Text();
  EXPECT_THAT(text, HasSubstr("windrose_expert_requests_total{code=\"OK\"} 1"));
  EXPECT_THAT(text, HasSubstr("windrose_expert_requests_total{code=\"INVALID_ARGUMENT\"} 1"));
  EXPECT_THAT(text, HasSubstr("windrose_expert_streams_refused_total{code=\"DATA_LOSS\"} 1"));
  EXPECT_THAT(text, HasSubstr("windrose_expert_tx_bytes_total 120"));
}

}  // namespace
}  // namespace windrose
