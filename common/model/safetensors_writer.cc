#include "common/model/safetensors_writer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/tensor/convert.h"

namespace windrose {
namespace {

constexpr uint64_t kDataAlignment = 64;

struct Header {
  std::string text;
  uint64_t data_bytes = 0;
};

StatusOr<Header> HeaderOf(std::span<const TensorToWrite> tensors) {
  Header header{"{\"__metadata__\":{\"format\":\"pt\"}"};
  for (const TensorToWrite& tensor : tensors) {
    const bool plain = std::all_of(tensor.name.begin(), tensor.name.end(), [](char c) {
      return c >= ' ' && c <= '~' && c != '"' && c != '\\';
    });
    if (!plain) return InvalidArgument("tensor names must be printable ASCII without quotes");
    uint64_t bytes = SizeOf(tensor.dtype);
    std::string shape;
    for (const uint64_t dimension : tensor.shape) {
      if (__builtin_mul_overflow(bytes, dimension, &bytes)) {
        return InvalidArgument("tensor " + tensor.name + " is too large");
      }
      if (!shape.empty()) shape += ',';
      shape += std::to_string(dimension);
    }
    header.text += ",\"" + tensor.name + "\":{\"dtype\":\"" + std::string(NameOf(tensor.dtype)) +
                   "\",\"shape\":[" + shape + "],\"data_offsets\":[" +
                   std::to_string(header.data_bytes) + "," +
                   std::to_string(header.data_bytes + bytes) + "]}";
    header.data_bytes += bytes;
  }
  header.text += "}";
  while ((header.text.size() + sizeof(uint64_t)) % kDataAlignment != 0) header.text += ' ';
  return header;
}

Status WriteTo(std::FILE* file, const void* data, size_t bytes, const std::string& path) {
  if (bytes == 0 || std::fwrite(data, 1, bytes, file) == bytes) return OkStatus();
  return Internal("cannot write " + path + ": " + std::strerror(errno));
}

}  // namespace

StatusOr<SafetensorsWriter> SafetensorsWriter::Create(const std::string& path,
                                                      std::span<const TensorToWrite> tensors) {
  ASSIGN_OR_RETURN(const Header header, HeaderOf(tensors));
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return Internal("cannot create " + path + ": " + std::strerror(errno));
  SafetensorsWriter writer(path, file, header.data_bytes);
  std::array<unsigned char, sizeof(uint64_t)> length{};
  for (size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<unsigned char>(header.text.size() >> (8 * i));
  }
  RETURN_IF_ERROR(WriteTo(file, length.data(), length.size(), path));
  RETURN_IF_ERROR(WriteTo(file, header.text.data(), header.text.size(), path));
  return writer;
}

Status SafetensorsWriter::Append(std::span<const std::byte> bytes) {
  if (bytes.size() > remaining_bytes_) {
    return OutOfRange(path_ + ": " + std::to_string(bytes.size()) + " bytes given, " +
                      std::to_string(remaining_bytes_) + " wanted");
  }
  remaining_bytes_ -= bytes.size();
  return WriteTo(file_.get(), bytes.data(), bytes.size(), path_);
}

Status SafetensorsWriter::AppendValues(std::span<const float> values, DType dtype) {
  std::array<std::byte, 4096> converted;
  const size_t at_once = converted.size() / SizeOf(dtype);
  for (size_t i = 0; i < values.size(); i += at_once) {
    const std::span<const float> part = values.subspan(i, std::min(at_once, values.size() - i));
    WriteWeights(part, dtype, converted.data());
    RETURN_IF_ERROR(Append({converted.data(), part.size() * SizeOf(dtype)}));
  }
  return OkStatus();
}

Status SafetensorsWriter::Finish() {
  if (remaining_bytes_ != 0) {
    return FailedPrecondition(path_ + ": " + std::to_string(remaining_bytes_) + " bytes missing");
  }
  std::FILE* file = file_.release();
  if (file != nullptr && std::fclose(file) != 0) {
    return Internal("cannot write " + path_ + ": " + std::strerror(errno));
  }
  return OkStatus();
}

}  // namespace windrose
