// Any bytes as a GenerateRequest: an error, or a request that is all the engine relies on.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "coordinator/server/request_translator.h"
#include "tests/unit/coordinator/server/fixtures.h"

namespace windrose {
namespace {

constexpr uint32_t kContext = 512;
constexpr RequestLimits kLimits{.prompt_bytes = 2048, .messages = 16, .echo_logprobs = 1024};

bool Within(float value, float lowest, float highest) {
  return value >= lowest && value <= highest;
}

void CheckIds(const std::vector<TokenId>& ids, const ServedModel& model) {
  for (const TokenId id : ids) CHECK(id.value() < model.vocabulary_size);
}

void CheckSampling(const SamplingParams& sampling, const ServedModel& model) {
  CHECK(Within(sampling.temperature, 0, 2));
  CHECK(Within(sampling.top_p, std::numeric_limits<float>::denorm_min(), 1));
  CHECK(Within(sampling.min_p, 0, 1));
  CHECK(Within(sampling.repetition_penalty, 0.01F, 100));
  CHECK(Within(sampling.presence_penalty, -2, 2));
  CHECK(Within(sampling.frequency_penalty, -2, 2));
  CHECK(sampling.logit_bias.size() <= kLimits.logit_bias);
  for (const auto& [id, bias] : sampling.logit_bias) {
    CHECK(id.value() < model.vocabulary_size);
    CHECK(Within(bias, -100, 100));
  }
}

void CheckRequest(const Request& request, const ServedModel& model) {
  CHECK(!request.id.empty() && request.id.size() <= kLimits.request_id_bytes);
  for (const char byte : request.id) CHECK(byte > ' ' && byte <= '~');
  CHECK(!request.prompt.empty());
  CHECK(request.prompt.size() + request.max_tokens <= model.context_length);
  CHECK(request.resume.size() <= request.max_tokens);
  CHECK(request.max_tokens > 0 || request.echo);
  CheckIds(request.prompt, model);
  CheckIds(request.resume, model);
  CheckSampling(request.sampling, model);
  CHECK(request.stop.size() <= kLimits.stop_strings);
  for (const std::string& stop : request.stop) {
    CHECK(!stop.empty() && stop.size() <= kLimits.stop_bytes);
  }
  const size_t alternatives = request.logprobs.value_or(0);
  CHECK(alternatives <= kLimits.logprobs);
  const bool echoes_logprobs = request.echo && request.logprobs.has_value();
  CHECK(!echoes_logprobs || request.prompt.size() * (1 + alternatives) <= kLimits.echo_logprobs);
}

// Control tokens come from the template alone, whatever a text says.
void CheckText(const Request& request, const inference::v1::GenerateRequest& proto) {
  if (!proto.has_text()) return;
  const size_t text_begins = proto.text().omit_bos() ? 0 : 1;
  for (size_t i = text_begins; i < request.prompt.size(); ++i) {
    CHECK(!Mixtral().IsControl(request.prompt[i]));
  }
}

void Check(const uint8_t* data, size_t size) {
  static const ServedModel model = MixtralModel(kContext);
  inference::v1::GenerateRequest proto;
  if (!proto.ParseFromArray(data, static_cast<int>(size))) return;
  CountingEntropy entropy;
  const auto request = RequestTranslator(model, Mixtral(), kLimits, entropy).Translate(proto);
  if (request.ok()) {
    CheckRequest(*request, model);
    CheckText(*request, proto);
  } else {
    const StatusCode code = request.status().code();
    CHECK(code == StatusCode::kInvalidArgument || code == StatusCode::kNotFound);
  }
}

}  // namespace
}  // namespace windrose

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  windrose::Check(data, size);
  return 0;
}
