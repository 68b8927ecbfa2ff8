#include "coordinator/server/sampling_translator.h"

#include <cmath>
#include <string>

#include "coordinator/server/error_detail.h"

namespace windrose {
namespace {

namespace pb = inference::v1;

// A closed range of a field. NaN is in no range.
struct Range {
  const char* field;
  float lowest;
  float highest;
};

Status CheckRange(float value, const Range& range) {
  if (value >= range.lowest && value <= range.highest) return OkStatus();
  return FieldError(std::string("sampling.") + range.field,
                    "wanted " + std::to_string(range.lowest) + " to " +
                        std::to_string(range.highest) + "; got " + std::to_string(value));
}

Status CheckRanges(const SamplingParams& params) {
  RETURN_IF_ERROR(CheckRange(params.temperature, {"temperature", 0.0F, 2.0F}));
  RETURN_IF_ERROR(CheckRange(params.top_p, {"top_p", 0.0F, 1.0F}));
  if (params.top_p == 0.0F) return FieldError("sampling.top_p", "wanted more than 0; got 0");
  RETURN_IF_ERROR(CheckRange(params.min_p, {"min_p", 0.0F, 1.0F}));
  // Bounded on both sides, so that no logit overflows.
  RETURN_IF_ERROR(CheckRange(params.repetition_penalty, {"repetition_penalty", 0.01F, 100.0F}));
  RETURN_IF_ERROR(CheckRange(params.presence_penalty, {"presence_penalty", -2.0F, 2.0F}));
  return CheckRange(params.frequency_penalty, {"frequency_penalty", -2.0F, 2.0F});
}

StatusOr<std::map<TokenId, float>> TranslateLogitBias(const pb::SamplingParams& proto,
                                                      uint32_t vocabulary_size,
                                                      const RequestLimits& limits) {
  const auto entries = static_cast<size_t>(proto.logit_bias_size());
  if (entries > limits.logit_bias) {
    return FieldError("sampling.logit_bias", "wanted at most " + std::to_string(limits.logit_bias) +
                                                 " entries; got " + std::to_string(entries));
  }
  std::map<TokenId, float> bias;
  for (const auto& [id, value] : proto.logit_bias()) {
    if (id >= vocabulary_size) {
      return FieldError("sampling.logit_bias", "wanted token ids below " +
                                                   std::to_string(vocabulary_size) + "; got " +
                                                   std::to_string(id));
    }
    RETURN_IF_ERROR(CheckRange(value, {"logit_bias", -100.0F, 100.0F}));
    bias.emplace(TokenId(id), value);
  }
  return bias;
}

}  // namespace

StatusOr<SamplingParams> TranslateSampling(const pb::SamplingParams& proto,
                                           uint32_t vocabulary_size, const RequestLimits& limits,
                                           Entropy& entropy) {
  SamplingParams params;
  if (proto.has_temperature()) params.temperature = proto.temperature();
  if (proto.has_top_p()) params.top_p = proto.top_p();
  params.top_k = proto.top_k();
  params.min_p = proto.min_p();
  params.seed = proto.has_seed() ? proto.seed() : entropy.Next();
  if (proto.has_repetition_penalty()) params.repetition_penalty = proto.repetition_penalty();
  params.presence_penalty = proto.presence_penalty();
  params.frequency_penalty = proto.frequency_penalty();
  RETURN_IF_ERROR(CheckRanges(params));
  ASSIGN_OR_RETURN(params.logit_bias, TranslateLogitBias(proto, vocabulary_size, limits));
  return params;
}

}  // namespace windrose
