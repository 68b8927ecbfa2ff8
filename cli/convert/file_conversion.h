// FileConversion: writes one weight file of a checkpoint, front to back, hashing what it writes.
//
// Takes some panels at a time, encodes them on all threads, appends them in order; so memory is
// bounded whatever the model's size. Owner thread only, which is the pool's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/convert/panel_encoder.h"
#include "cli/convert/weight_source.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/model/checkpoint_layout.h"
#include "common/model/manifest.h"
#include "common/model/safetensors_writer.h"

namespace windrose::cli {

class FileConversion {
 public:
  // `on_bytes` hears how many bytes were written since it was last called.
  FileConversion(const WeightSource& source, ThreadPool& pool,
                 const std::function<void(uint64_t)>& on_bytes)
      : source_(source), pool_(pool), on_bytes_(on_bytes) {}

  // Writes `file` to `path`. Returns what the manifest says of it.
  StatusOr<ManifestFile> Write(const StoredFile& file, const std::string& path);

 private:
  StatusOr<Hash128> WriteTensor(const StoredTensor& tensor, SafetensorsWriter& writer);
  Status EncodePanels(const PanelEncoder& encoder, size_t first, size_t count);

  const WeightSource& source_;
  ThreadPool& pool_;
  const std::function<void(uint64_t)>& on_bytes_;
  std::vector<std::byte> buffer_;  // the bytes of the panels in work
};

}  // namespace windrose::cli
