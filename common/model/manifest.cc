#include "common/model/manifest.h"

#include <algorithm>
#include <boost/json.hpp>
#include <initializer_list>
#include <set>

#include "common/model/checkpoint_layout.h"
#include "common/model/mapped_file.h"
#include "common/model/strict_json.h"

namespace windrose {
namespace {

namespace json = boost::json;

constexpr const char* kFormat = "windrose-checkpoint";
constexpr int64_t kVersion = 3;
// Above every limit of a config, and so low that no product of two overflows.
constexpr uint64_t kMaxDimension = 1 << 24;

std::string TextOf(const json::value& value) {
  return {value.get_string().data(), value.get_string().size()};
}

Status CheckKeys(const json::object& object, std::initializer_list<std::string_view> known) {
  for (const auto& member : object) {
    const std::string_view key(member.key().data(), member.key().size());
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return InvalidArgument("unknown key " + Quoted(key));
    }
  }
  return OkStatus();
}

StatusOr<std::string> String(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) {
    return InvalidArgument(std::string(key) + ": wanted a string");
  }
  std::string text = TextOf(*value);
  if (text.size() <= kMaxManifestTextBytes) return text;
  return InvalidArgument(std::string(key) + ": wanted at most " +
                         std::to_string(kMaxManifestTextBytes) + " bytes, got " +
                         std::to_string(text.size()));
}

StatusOr<Hash128> HashIn(const json::object& object, const char* key) {
  ASSIGN_OR_RETURN(const std::string text, String(object, key));
  const std::optional<Hash128> hash = ParseHash128(text);
  if (hash) return *hash;
  return InvalidArgument(std::string(key) + ": wanted 32 hex digits, got " + Quoted(text));
}

StatusOr<const json::array*> Array(const json::object& object, const char* key, size_t max_size) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_array()) {
    return InvalidArgument(std::string(key) + ": wanted an array");
  }
  if (value->get_array().size() <= max_size) return &value->get_array();
  return InvalidArgument(std::string(key) + ": wanted at most " + std::to_string(max_size) +
                         " elements, got " + std::to_string(value->get_array().size()));
}

StatusOr<uint64_t> Count(const json::value* value, const char* key, uint64_t highest) {
  if (value != nullptr && value->is_int64() && value->get_int64() >= 1 &&
      static_cast<uint64_t>(value->get_int64()) <= highest) {
    return static_cast<uint64_t>(value->get_int64());
  }
  return InvalidArgument(std::string(key) + ": wanted a whole number from 1 to " +
                         std::to_string(highest));
}

StatusOr<DType> Format(const json::object& object, const char* key) {
  ASSIGN_OR_RETURN(const std::string name, String(object, key));
  const std::optional<DType> format = FormatNamed(name);
  if (format) return *format;
  return InvalidArgument(std::string(key) + ": wanted f32, f16, bf16, q8, q4 or pbf16, got " +
                         Quoted(name));
}

StatusOr<std::vector<uint64_t>> Shape(const json::object& object, DType format) {
  ASSIGN_OR_RETURN(const json::array* array, Array(object, "shape", 2));
  if (array->size() < (IsPacked(format) ? 2U : 1U)) {
    return InvalidArgument("shape: wanted " +
                           std::string(IsPacked(format) ? "two numbers" : "one or two numbers"));
  }
  std::vector<uint64_t> shape;
  for (const json::value& element : *array) {
    ASSIGN_OR_RETURN(const uint64_t dimension, Count(&element, "shape", kMaxDimension));
    shape.push_back(dimension);
  }
  return shape;
}

// Reads the manifest's parts, and remembers the names that have come.
class Parser {
 public:
  StatusOr<Manifest> Parse(const json::object& object) {
    RETURN_IF_ERROR(CheckKeys(object, {"format", "version", "dtype", "source", "config_hash",
                                       "tokenizer_hash", "files"}));
    RETURN_IF_ERROR(CheckVersion(object));
    ASSIGN_OR_RETURN(manifest_.dtype, Format(object, "dtype"));
    if (manifest_.dtype != DType::kBf16 && !IsPacked(manifest_.dtype)) {
      return InvalidArgument("dtype: wanted pbf16, q8, q4 or bf16");
    }
    RETURN_IF_ERROR(ParseSource(object));
    ASSIGN_OR_RETURN(manifest_.config_hash, HashIn(object, "config_hash"));
    if (object.contains("tokenizer_hash")) {
      ASSIGN_OR_RETURN(manifest_.tokenizer_hash, HashIn(object, "tokenizer_hash"));
    }
    ASSIGN_OR_RETURN(const json::array* files, Array(object, "files", kMaxManifestFiles));
    for (const json::value& file : *files) RETURN_IF_ERROR(ParseFile(file));
    return std::move(manifest_);
  }

 private:
  static Status CheckVersion(const json::object& object) {
    ASSIGN_OR_RETURN(const std::string format, String(object, "format"));
    if (format != kFormat) {
      return InvalidArgument("format: wanted \"" + std::string(kFormat) + "\", got " +
                             Quoted(format));
    }
    const json::value* version = object.if_contains("version");
    if (version == nullptr || !version->is_int64()) {
      return InvalidArgument("version: wanted " + std::to_string(kVersion) + " as a whole number");
    }
    const int64_t got = version->get_int64();
    if (got == kVersion) return OkStatus();
    return InvalidArgument(
        "version: wanted " + std::to_string(kVersion) + ", got " + std::to_string(got) +
        (got < kVersion ? "; the model must be converted again" : "; a newer release reads it"));
  }

  Status ParseSource(const json::object& object) {
    ASSIGN_OR_RETURN(const json::array* source, Array(object, "source", kMaxManifestSources));
    for (const json::value& element : *source) {
      if (!element.is_string() || element.get_string().size() > kMaxManifestTextBytes) {
        return InvalidArgument("source: wanted short strings");
      }
      manifest_.source.push_back(TextOf(element));
    }
    return OkStatus();
  }

  Status ParseFile(const json::value& value) {
    if (!value.is_object()) return InvalidArgument("files: wanted objects");
    const json::object& object = value.get_object();
    ManifestFile file;
    ASSIGN_OR_RETURN(file.name, String(object, "name"));
    RETURN_IF_ERROR(CheckPlainFileName(file.name));
    if (!file.name.ends_with(".safetensors")) {
      return InvalidArgument("files: wanted a .safetensors file, got " + Quoted(file.name));
    }
    if (!file_names_.insert(file.name).second) {
      return InvalidArgument("files: " + file.name + " stands twice");
    }
    RETURN_IF_ERROR(Annotate(ParseFileContent(object, file), file.name));
    manifest_.files.push_back(std::move(file));
    return OkStatus();
  }

  Status ParseFileContent(const json::object& object, ManifestFile& file) {
    RETURN_IF_ERROR(CheckKeys(object, {"name", "bytes", "tensors"}));
    ASSIGN_OR_RETURN(file.bytes, Count(object.if_contains("bytes"), "bytes", uint64_t{1} << 50));
    ASSIGN_OR_RETURN(const json::array* tensors, Array(object, "tensors", kMaxManifestTensors));
    uint64_t bytes = 0;
    for (const json::value& element : *tensors) {
      ASSIGN_OR_RETURN(ManifestTensor tensor, ParseTensor(element));
      bytes += StoredBytes(tensor.shape, tensor.format);
      if (bytes >= file.bytes) {
        return InvalidArgument("bytes: too few for its tensors, got " + std::to_string(file.bytes));
      }
      file.tensors.push_back(std::move(tensor));
    }
    return OkStatus();
  }

  StatusOr<ManifestTensor> ParseTensor(const json::value& value) {
    if (!value.is_object()) return InvalidArgument("tensors: wanted objects");
    const json::object& object = value.get_object();
    ManifestTensor tensor;
    ASSIGN_OR_RETURN(tensor.name, String(object, "name"));
    if (!tensor_names_.insert(tensor.name).second) {
      return InvalidArgument("tensors: " + Quoted(tensor.name) + " stands twice");
    }
    if (tensor_names_.size() > kMaxManifestTensors) return InvalidArgument("too many tensors");
    RETURN_IF_ERROR(Annotate(ParseTensorContent(object, tensor), "tensor " + Quoted(tensor.name)));
    return tensor;
  }

  Status ParseTensorContent(const json::object& object, ManifestTensor& tensor) const {
    RETURN_IF_ERROR(CheckKeys(object, {"name", "format", "shape", "hash"}));
    ASSIGN_OR_RETURN(tensor.format, Format(object, "format"));
    const bool of_dtype = tensor.format == manifest_.dtype ||
                          (IsQuantized(tensor.format) && IsQuantized(manifest_.dtype));
    if (IsPacked(tensor.format) && !of_dtype) {
      return InvalidArgument("format: a checkpoint of dtype " + FormatName(manifest_.dtype) +
                             " has no tensors in " + FormatName(tensor.format));
    }
    ASSIGN_OR_RETURN(tensor.shape, Shape(object, tensor.format));
    ASSIGN_OR_RETURN(tensor.hash, HashIn(object, "hash"));
    return OkStatus();
  }

  Manifest manifest_;
  std::set<std::string> file_names_;
  std::set<std::string> tensor_names_;
};

json::object ToJson(const ManifestTensor& tensor) {
  return {{"name", tensor.name},
          {"format", FormatName(tensor.format)},
          {"shape", json::value_from(tensor.shape)},
          {"hash", tensor.hash.Hex()}};
}

// One tensor on each line, so that people can read and compare manifests.
void AppendFile(const ManifestFile& file, std::string& text) {
  text += R"({"name": )" + json::serialize(json::string(file.name)) + R"(, "bytes": )" +
          std::to_string(file.bytes) + R"(, "tensors": [)";
  for (size_t i = 0; i < file.tensors.size(); ++i) {
    text += (i == 0 ? "\n    " : ",\n    ") + json::serialize(ToJson(file.tensors[i]));
  }
  text += "]}";
}

}  // namespace

StatusOr<Manifest> ParseManifest(std::string_view text) {
  ASSIGN_OR_RETURN(const json::object object, ParseStrictJsonObject(text, {.max_depth = 8}));
  return Parser().Parse(object);
}

std::string ToManifestJson(const Manifest& manifest) {
  std::string text = "{\n  \"format\": \"" + std::string(kFormat) +
                     "\",\n  \"version\": " + std::to_string(kVersion) + ",\n  \"dtype\": \"" +
                     FormatName(manifest.dtype) +
                     "\",\n  \"source\": " + json::serialize(json::value_from(manifest.source)) +
                     ",\n  \"config_hash\": \"" + manifest.config_hash.Hex() + "\",\n";
  if (manifest.tokenizer_hash) {
    text += "  \"tokenizer_hash\": \"" + manifest.tokenizer_hash->Hex() + "\",\n";
  }
  text += "  \"files\": [";
  for (size_t i = 0; i < manifest.files.size(); ++i) {
    text += i == 0 ? "\n   " : ",\n   ";
    AppendFile(manifest.files[i], text);
  }
  return text + "]\n}\n";
}

std::string FormatName(DType format) {
  std::string name(NameOf(format));
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
}

std::optional<DType> FormatNamed(std::string_view name) {
  for (const DType format :
       {DType::kF32, DType::kF16, DType::kBf16, DType::kQ8, DType::kQ4, DType::kPackedBf16}) {
    if (name == FormatName(format)) return format;
  }
  return std::nullopt;
}

}  // namespace windrose
