// RequestTranslator: GenerateRequest to Request. Everything the engine relies on is checked here.
//
// Owned by the service. Thread-safe; runs on RPC threads. A refused request costs no more than
// reading it: sizes are checked before the text is tokenized.
#pragma once

#include <vector>

#include "common/base/ids.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "coordinator/server/request_limits.h"
#include "coordinator/server/served_model.h"
#include "coordinator/text/tokenizer.h"
#include "coordinator/values/request.h"
#include "windrose/inference/v1/inference.pb.h"

namespace windrose {

class RequestTranslator {
 public:
  // All must outlive this; `entropy` must be thread-safe.
  RequestTranslator(const ServedModel& model, const Tokenizer& tokenizer,
                    const RequestLimits& limits, Entropy& entropy)
      : model_(model), tokenizer_(tokenizer), limits_(limits), entropy_(entropy) {}

  // INVALID_ARGUMENT naming the field, with code context_length_exceeded when the prompt and the
  // answer do not fit the context; NOT_FOUND for another model. Makes the request id and the seed
  // when they are missing.
  StatusOr<Request> Translate(const inference::v1::GenerateRequest& proto) const;

 private:
  Status CheckBeforePrompt(const inference::v1::GenerateRequest& proto) const;
  StatusOr<std::vector<TokenId>> TranslatePrompt(const inference::v1::GenerateRequest& proto) const;
  StatusOr<uint32_t> MaxTokens(const inference::v1::GenerateRequest& proto,
                               size_t prompt_tokens) const;
  Status CheckResume(const inference::v1::GenerateRequest& proto, const Request& request) const;
  Status CheckEcho(const Request& request) const;

  const ServedModel& model_;
  const Tokenizer& tokenizer_;
  const RequestLimits& limits_;
  Entropy& entropy_;
};

}  // namespace windrose
