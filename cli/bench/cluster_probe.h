// What must be known of a running cluster before it can be measured: the model it serves, and which
// token ids that model knows. Thread-compatible.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/net/http_client.h"

namespace windrose::cli {

struct ServedModel {
  std::string id;
  std::vector<std::string> aliases;
  std::optional<uint64_t> context_length;  // prompt and answer together, in tokens
};

// The models of a GET /v1/models. INVALID_ARGUMENT for anything else.
StatusOr<std::vector<ServedModel>> ParseServedModels(std::string_view body);

// The one called `wanted`, or the first for "". NOT_FOUND names those that are served.
StatusOr<ServedModel> ChooseModel(const std::vector<ServedModel>& models,
                                  const std::string& wanted);

// Asks the cluster for its models and chooses among them.
StatusOr<ServedModel> FindModel(HttpClient& client, const std::vector<HttpField>& fields,
                                const std::string& wanted);

// A count of token ids that the model knows, found by asking for one token behind ever smaller ids:
// the interface does not tell the size of the vocabulary. At most 32,768, and less than the whole
// when that is no power of two.
StatusOr<uint32_t> FindVocabulary(HttpClient& client, const std::vector<HttpField>& fields,
                                  const std::string& model);

}  // namespace windrose::cli
