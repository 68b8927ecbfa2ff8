#include "cli/bench/cluster_probe.h"

#include <algorithm>
#include <boost/json.hpp>

#include "cli/chat/api_request.h"

namespace windrose::cli {
namespace {

constexpr int kHttpOk = 200;
constexpr uint32_t kMixtralVocabulary = 32000;
constexpr uint32_t kLargestVocabulary = 32768;
constexpr uint32_t kLeastVocabulary = 8;
constexpr size_t kMaxModels = 1024;

StatusOr<ServedModel> ReadModel(const boost::json::value& entry) {
  const boost::json::object* object = entry.if_object();
  const boost::json::value* id = object == nullptr ? nullptr : object->if_contains("id");
  if (id == nullptr || !id->is_string()) return InvalidArgument("a model of the list has no id");
  ServedModel model;
  model.id = std::string(id->get_string());
  const boost::json::value* length = object->if_contains("max_model_len");
  if (length != nullptr && length->is_int64() && length->get_int64() > 0) {
    model.context_length = static_cast<uint64_t>(length->get_int64());
  }
  const boost::json::value* aliases = object->if_contains("aliases");
  if (aliases == nullptr || !aliases->is_array()) return model;
  for (const boost::json::value& alias : aliases->get_array()) {
    if (alias.is_string()) model.aliases.emplace_back(alias.get_string());
  }
  return model;
}

bool IsCalled(const ServedModel& model, const std::string& name) {
  return model.id == name ||
         std::find(model.aliases.begin(), model.aliases.end(), name) != model.aliases.end();
}

std::string OneTokenBehind(uint32_t id, const std::string& model) {
  boost::json::object body;
  body["model"] = model;
  body["prompt"] = boost::json::array{id};
  body["max_tokens"] = 1;
  body["temperature"] = 0;
  return boost::json::serialize(body);
}

// OK when the model takes the id.
Status TryToken(HttpClient& client, const std::vector<HttpField>& fields, const std::string& model,
                uint32_t id) {
  const HttpClientRequest request{"POST", "/v1/completions", fields, OneTokenBehind(id, model)};
  ASSIGN_OR_RETURN(const HttpResponse response, client.Do(request));
  return response.status == kHttpOk ? OkStatus() : HttpFailure(response.status, response.body);
}

}  // namespace

StatusOr<std::vector<ServedModel>> ParseServedModels(std::string_view body) {
  boost::json::error_code error;
  const boost::json::value document = boost::json::parse(body, error);
  const boost::json::object* object = error ? nullptr : document.if_object();
  const boost::json::value* data = object == nullptr ? nullptr : object->if_contains("data");
  const boost::json::array* entries = data == nullptr ? nullptr : data->if_array();
  if (entries == nullptr || entries->size() > kMaxModels) {
    return InvalidArgument("the answer is not a list of models");
  }
  std::vector<ServedModel> models;
  for (const boost::json::value& entry : *entries) {
    ASSIGN_OR_RETURN(ServedModel model, ReadModel(entry));
    models.push_back(std::move(model));
  }
  return models;
}

StatusOr<ServedModel> ChooseModel(const std::vector<ServedModel>& models,
                                  const std::string& wanted) {
  if (models.empty()) return NotFound("no model is served");
  if (wanted.empty()) return models.front();
  std::string served;
  for (const ServedModel& model : models) {
    if (IsCalled(model, wanted)) return model;
    served += (served.empty() ? "" : ", ") + model.id;
  }
  return NotFound("the model " + wanted + " is not served; served: " + served);
}

StatusOr<ServedModel> FindModel(HttpClient& client, const std::vector<HttpField>& fields,
                                const std::string& wanted) {
  const HttpClientRequest request{"GET", "/v1/models", fields, ""};
  const StatusOr<HttpResponse> response = client.Do(request);
  if (!response.ok()) return Annotate(response.status(), "no cluster answers");
  if (response->status != kHttpOk) {
    return Annotate(HttpFailure(response->status, response->body), "GET /v1/models");
  }
  const StatusOr<std::vector<ServedModel>> models = ParseServedModels(response->body);
  if (!models.ok()) {
    return Annotate(models.status(), "whatever answers does not speak OpenAI's interface");
  }
  return ChooseModel(*models, wanted);
}

StatusOr<uint32_t> FindVocabulary(HttpClient& client, const std::vector<HttpField>& fields,
                                  const std::string& model) {
  Status refusal;
  for (uint32_t size = kLargestVocabulary; size >= kLeastVocabulary;) {
    refusal = TryToken(client, fields, model, size - 1);
    if (refusal.ok()) return size;
    if (refusal.code() != StatusCode::kInvalidArgument) break;
    size = size == kLargestVocabulary   ? kMixtralVocabulary
           : size == kMixtralVocabulary ? kLargestVocabulary / 2
                                        : size / 2;
  }
  return Annotate(refusal, "cannot find out which token ids the model knows");
}

}  // namespace windrose::cli
