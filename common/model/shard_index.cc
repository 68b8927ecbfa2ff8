#include "common/model/shard_index.h"

#include "common/model/mapped_file.h"
#include "common/model/strict_json.h"

namespace windrose {

StatusOr<std::map<std::string, std::string>> ParseShardIndex(std::string_view json) {
  ASSIGN_OR_RETURN(const boost::json::object index, ParseStrictJsonObject(json));
  const boost::json::value* map = index.if_contains("weight_map");
  if (map == nullptr || !map->is_object()) return InvalidArgument("weight_map: wanted an object");
  std::map<std::string, std::string> files;
  for (const auto& member : map->get_object()) {
    const std::string tensor(member.key().data(), member.key().size());
    if (!member.value().is_string()) {
      return InvalidArgument("weight_map: tensor " + Quoted(tensor) + ": wanted a file name");
    }
    const auto& value = member.value().get_string();
    const std::string file(value.data(), value.size());
    RETURN_IF_ERROR(Annotate(CheckPlainFileName(file), "weight_map: tensor " + Quoted(tensor)));
    if (!file.ends_with(".safetensors")) {
      return InvalidArgument("weight_map: tensor " + Quoted(tensor) +
                             ": wanted a .safetensors file, got " + Quoted(file));
    }
    files.emplace(tensor, file);
  }
  if (files.empty()) return InvalidArgument("weight_map: wanted at least one tensor");
  return files;
}

}  // namespace windrose
