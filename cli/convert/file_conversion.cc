#include "cli/convert/file_conversion.h"

#include <algorithm>
#include <filesystem>
#include <span>
#include <system_error>

#include "common/model/model_hash.h"

namespace windrose::cli {
namespace {

// Encoded at a time: much for each thread, little beside a model.
constexpr size_t kBufferBytes = 32 << 20;

StatusOr<SafetensorsWriter> CreateWriter(const StoredFile& file, const std::string& path) {
  std::vector<TensorToWrite> header;
  for (const StoredTensor& tensor : file.tensors) {
    header.push_back({tensor.spec.name, tensor.format, tensor.spec.shape});
  }
  return SafetensorsWriter::Create(path, header);
}

}  // namespace

StatusOr<ManifestFile> FileConversion::Write(const StoredFile& file, const std::string& path) {
  ASSIGN_OR_RETURN(SafetensorsWriter writer, CreateWriter(file, path));
  ManifestFile written{file.name, 0, {}};
  for (size_t i = 0; i < file.tensors.size(); ++i) {
    const StoredTensor& tensor = file.tensors[i];
    if (i + 1 < file.tensors.size()) source_.WillRead(file.tensors[i + 1].spec.name);
    ASSIGN_OR_RETURN(const Hash128 hash, WriteTensor(tensor, writer));
    source_.WasRead(tensor.spec.name);
    written.tensors.push_back({tensor.spec.name, tensor.format, tensor.spec.shape, hash});
  }
  RETURN_IF_ERROR(writer.Finish());
  std::error_code error;
  written.bytes = std::filesystem::file_size(path, error);
  if (error) return Unavailable("cannot read " + path + ": " + error.message());
  return written;
}

StatusOr<Hash128> FileConversion::WriteTensor(const StoredTensor& tensor,
                                              SafetensorsWriter& writer) {
  const PanelEncoder encoder(source_, tensor);
  const size_t panels = encoder.panel_count();
  const size_t at_once = std::clamp<size_t>(kBufferBytes / encoder.Offset(1), 1, panels);
  ContentHasher hasher;
  for (size_t first = 0; first < panels; first += at_once) {
    RETURN_IF_ERROR(EncodePanels(encoder, first, std::min(at_once, panels - first)));
    hasher.Add(buffer_);
    RETURN_IF_ERROR(writer.Append(buffer_));
    on_bytes_(buffer_.size());
  }
  return hasher.Finish();
}

Status FileConversion::EncodePanels(const PanelEncoder& encoder, size_t first, size_t count) {
  const size_t origin = encoder.Offset(first);
  buffer_.resize(encoder.Offset(first + count) - origin);
  std::vector<Status> statuses(count);
  pool_.ParallelFor(count, 1, [&](size_t begin, size_t end) {
    std::vector<float> scratch(encoder.scratch_size());
    for (size_t i = begin; i < end; ++i) {
      const size_t offset = encoder.Offset(first + i);
      const size_t bytes = encoder.Offset(first + i + 1) - offset;
      statuses[i] =
          encoder.Encode(first + i, scratch, std::span(buffer_).subspan(offset - origin, bytes));
    }
  });
  for (const Status& status : statuses) RETURN_IF_ERROR(status);
  return OkStatus();
}

}  // namespace windrose::cli
