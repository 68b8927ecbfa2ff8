#include "router/api/models.h"

#include "router/api/json.h"

namespace windrose::router {
namespace {

void WriteModel(JsonWriter& json, const ServedModel& model, int64_t created) {
  json.BeginObject();
  json.Key("id").String(model.info.id);
  json.Key("object").String("model");
  json.Key("created").Integer(created);
  json.Key("owned_by").String("windrose");
  json.Key("root").String(model.info.id);
  json.Key("parent").Null();
  json.Key("max_model_len").Unsigned(model.info.context_length);
  json.Key("max_context_length").Unsigned(model.info.context_length);
  json.Key("aliases").BeginArray();
  for (const std::string& alias : model.aliases) json.String(alias);
  json.EndArray();
  json.Key("default_model_temperature").Float(1.0F);
  json.Key("capabilities").BeginObject();
  json.Key("completion_chat").Bool(true);
  json.Key("completion_fim").Bool(false);
  json.Key("function_calling").Bool(false);
  json.Key("fine_tuning").Bool(false);
  json.Key("vision").Bool(false);
  json.EndObject().EndObject();
}

}  // namespace

std::string ModelBody(const ServedModel& model, int64_t created) {
  JsonWriter json;
  WriteModel(json, model, created);
  return json.Take();
}

std::string ModelListBody(std::span<const ServedModel> models, int64_t created) {
  JsonWriter json;
  json.BeginObject().Key("object").String("list").Key("data").BeginArray();
  for (const ServedModel& model : models) WriteModel(json, model, created);
  return json.EndArray().EndObject().Take();
}

}  // namespace windrose::router
