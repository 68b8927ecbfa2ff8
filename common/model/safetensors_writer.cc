#include "common/model/safetensors_writer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/tensor/convert.h"
#include "common/tensor/packed_layout.h"

namespace windrose {
namespace {

constexpr uint64_t kDataAlignment = 64;
// What is written at once, at multiples of as much: a page cache that can hold large pages then
// does, and whoever maps the file next reads it faster.
constexpr size_t kBufferBytes = size_t{2} << 20;

struct Header {
  std::string text;
  uint64_t data_bytes = 0;
};

// What the header says of a tensor.
struct Described {
  std::string dtype;
  std::string shape;
  uint64_t bytes = 0;
};

StatusOr<Described> DescribePacked(const TensorToWrite& tensor) {
  constexpr uint64_t kMaxDimension = 1 << 24;  // no product of two overflows
  if (tensor.shape.size() != 2 || tensor.shape[0] > kMaxDimension ||
      tensor.shape[1] > kMaxDimension) {
    return InvalidArgument("tensor " + tensor.name + " is not a matrix that can be packed");
  }
  const uint64_t bytes = PackedMatrixBytes(tensor.dtype, tensor.shape[0], tensor.shape[1]);
  return Described{"U8", std::to_string(bytes), bytes};
}

StatusOr<Described> DescribePlain(const TensorToWrite& tensor) {
  Described described{std::string(NameOf(tensor.dtype)), "", SizeOf(tensor.dtype)};
  for (const uint64_t dimension : tensor.shape) {
    if (__builtin_mul_overflow(described.bytes, dimension, &described.bytes)) {
      return InvalidArgument("tensor " + tensor.name + " is too large");
    }
    if (!described.shape.empty()) described.shape += ',';
    described.shape += std::to_string(dimension);
  }
  return described;
}

StatusOr<Header> HeaderOf(std::span<const TensorToWrite> tensors) {
  Header header{"{\"__metadata__\":{\"format\":\"pt\"}"};
  for (const TensorToWrite& tensor : tensors) {
    const bool plain = std::all_of(tensor.name.begin(), tensor.name.end(), [](char c) {
      return c >= ' ' && c <= '~' && c != '"' && c != '\\';
    });
    if (!plain) return InvalidArgument("tensor names must be printable ASCII without quotes");
    ASSIGN_OR_RETURN(const Described described,
                     IsPacked(tensor.dtype) ? DescribePacked(tensor) : DescribePlain(tensor));
    header.text += ",\"" + tensor.name + "\":{\"dtype\":\"" + described.dtype + "\",\"shape\":[" +
                   described.shape + "],\"data_offsets\":[" + std::to_string(header.data_bytes) +
                   "," + std::to_string(header.data_bytes + described.bytes) + "]}";
    header.data_bytes += described.bytes;
  }
  header.text += "}";
  while ((header.text.size() + sizeof(uint64_t)) % kDataAlignment != 0) header.text += ' ';
  return header;
}

Status CannotWrite(const std::string& path) {
  const std::string message = "cannot write " + path + ": " + std::strerror(errno);
  return errno == ENOSPC || errno == EDQUOT ? ResourceExhausted(message) : Internal(message);
}

Status WriteTo(std::FILE* file, const void* data, size_t bytes, const std::string& path) {
  if (bytes == 0 || std::fwrite(data, 1, bytes, file) == bytes) return OkStatus();
  return CannotWrite(path);
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(std::string path, std::FILE* file, uint64_t data_bytes)
    : path_(std::move(path)), buffer_(kBufferBytes), file_(file), remaining_bytes_(data_bytes) {
  std::setvbuf(file, buffer_.data(), _IOFBF, buffer_.size());
}

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
  return file == nullptr || std::fclose(file) == 0 ? OkStatus() : CannotWrite(path_);
}

}  // namespace windrose
