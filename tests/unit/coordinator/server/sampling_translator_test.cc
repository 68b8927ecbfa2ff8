#include "coordinator/server/sampling_translator.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "tests/unit/coordinator/server/fixtures.h"

namespace windrose {
namespace {

using Proto = inference::v1::SamplingParams;

StatusOr<SamplingParams> Translate(const std::function<void(Proto&)>& change) {
  Proto proto;
  change(proto);
  CountingEntropy entropy;
  return TranslateSampling(proto, 32000, RequestLimits(), entropy);
}

std::string Detail(const std::function<void(Proto&)>& change) {
  const auto params = Translate(change);
  return params.ok() ? "accepted" : DetailText(params.status());
}

TEST(SamplingTranslator, HasOpenAisDefaultsAndDrawsASeed) {
  const auto params = Translate([](Proto&) {});
  ASSERT_TRUE(params.ok()) << params.status();
  EXPECT_EQ(params->temperature, 1.0F);
  EXPECT_EQ(params->top_p, 1.0F);
  EXPECT_EQ(params->top_k, 0U);
  EXPECT_EQ(params->repetition_penalty, 1.0F);
  EXPECT_EQ(params->seed, 1U);
  EXPECT_TRUE(params->logit_bias.empty());
}

TEST(SamplingTranslator, KeepsWhatIsGiven) {
  const auto params = Translate([](Proto& proto) {
    proto.set_temperature(0);
    proto.set_top_p(0.5F);
    proto.set_top_k(40);
    proto.set_min_p(0.05F);
    proto.set_seed(std::numeric_limits<uint64_t>::max());
    proto.set_repetition_penalty(1.1F);
    proto.set_presence_penalty(-2);
    proto.set_frequency_penalty(2);
    (*proto.mutable_logit_bias())[31999] = -100;
  });
  ASSERT_TRUE(params.ok()) << params.status();
  EXPECT_EQ(params->temperature, 0.0F);
  EXPECT_EQ(params->top_p, 0.5F);
  EXPECT_EQ(params->top_k, 40U);
  EXPECT_EQ(params->min_p, 0.05F);
  EXPECT_EQ(params->seed, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(params->repetition_penalty, 1.1F);
  EXPECT_EQ(params->presence_penalty, -2.0F);
  EXPECT_EQ(params->frequency_penalty, 2.0F);
  EXPECT_EQ(params->logit_bias.at(TokenId(31999)), -100.0F);
}

TEST(SamplingTranslator, RefusesValuesOutOfRange) {
  EXPECT_EQ(Detail([](Proto& p) { p.set_temperature(-0.1F); }),
            "invalid_value sampling.temperature");
  EXPECT_EQ(Detail([](Proto& p) { p.set_temperature(2.1F); }),
            "invalid_value sampling.temperature");
  EXPECT_EQ(Detail([](Proto& p) { p.set_top_p(0); }), "invalid_value sampling.top_p");
  EXPECT_EQ(Detail([](Proto& p) { p.set_top_p(1.1F); }), "invalid_value sampling.top_p");
  EXPECT_EQ(Detail([](Proto& p) { p.set_min_p(-1); }), "invalid_value sampling.min_p");
  EXPECT_EQ(Detail([](Proto& p) { p.set_repetition_penalty(0); }),
            "invalid_value sampling.repetition_penalty");
  EXPECT_EQ(Detail([](Proto& p) { p.set_presence_penalty(2.1F); }),
            "invalid_value sampling.presence_penalty");
  EXPECT_EQ(Detail([](Proto& p) { p.set_frequency_penalty(-2.1F); }),
            "invalid_value sampling.frequency_penalty");
}

TEST(SamplingTranslator, RefusesWhatIsNotANumber) {
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    EXPECT_NE(Detail([value](Proto& p) { p.set_temperature(value); }), "accepted");
    EXPECT_NE(Detail([value](Proto& p) { p.set_top_p(value); }), "accepted");
    EXPECT_NE(Detail([value](Proto& p) { p.set_min_p(value); }), "accepted");
    EXPECT_NE(Detail([value](Proto& p) { p.set_repetition_penalty(value); }), "accepted");
    EXPECT_NE(Detail([value](Proto& p) { p.set_presence_penalty(value); }), "accepted");
    EXPECT_NE(Detail([value](Proto& p) { p.set_frequency_penalty(value); }), "accepted");
    EXPECT_NE(Detail([value](Proto& p) { (*p.mutable_logit_bias())[5] = value; }), "accepted");
  }
}

TEST(SamplingTranslator, RefusesLogitBiasOutsideTheVocabularyOrRangeOrLimit) {
  EXPECT_EQ(Detail([](Proto& p) { (*p.mutable_logit_bias())[32000] = 1; }),
            "invalid_value sampling.logit_bias");
  EXPECT_EQ(Detail([](Proto& p) { (*p.mutable_logit_bias())[0] = 100.5F; }),
            "invalid_value sampling.logit_bias");
  const auto with_entries = [](uint32_t count) {
    return [count](Proto& p) {
      for (uint32_t id = 0; id < count; ++id) (*p.mutable_logit_bias())[id] = 1;
    };
  };
  EXPECT_EQ(Detail(with_entries(1024)), "accepted");
  EXPECT_EQ(Detail(with_entries(1025)), "invalid_value sampling.logit_bias");
}

}  // namespace
}  // namespace windrose
