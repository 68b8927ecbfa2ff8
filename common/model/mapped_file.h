// MappedFile: a regular file of a model directory, mapped read-only.
//
// Opened by its name relative to an open directory: no path, no symbolic link, no pipe or device.
// Names that a file gave are checked by CheckPlainFileName before; the user's may be any. The
// mapping is shared and read-only: pages are read when touched and belong to the page cache. If
// somebody truncates the file while it is mapped, touching what is gone kills the process: replace
// model files by renaming, never in place. Immutable after Open: thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "common/base/status.h"

namespace windrose {

class MappedFile {
 public:
  // NOT_FOUND only when it or the directory is not there; INVALID_ARGUMENT for what is not a name
  // or not a regular file; PERMISSION_DENIED or UNAVAILABLE for what cannot be opened.
  static StatusOr<std::shared_ptr<const MappedFile>> Open(const std::string& directory,
                                                          const std::string& name);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& name() const { return name_; }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  MappedFile(std::string name, std::span<const std::byte> bytes)
      : name_(std::move(name)), bytes_(bytes) {}

  std::string name_;
  std::span<const std::byte> bytes_;
};

// The text of a small file of a model directory. RESOURCE_EXHAUSTED when above `max_bytes`; else as
// MappedFile::Open.
StatusOr<std::string> ReadModelText(const std::string& directory, const std::string& name,
                                    size_t max_bytes);

// INVALID_ARGUMENT unless `name`, which came from a file, is a plain file name: no slash, no "..",
// nothing unprintable.
Status CheckPlainFileName(const std::string& name);

// Tells the kernel that `bytes` will be read soon. Never fails; it is advice.
void PrefetchMapped(std::span<const std::byte> bytes);

// Gives the memory of `bytes` back; they stay in the page cache and come again when touched. For
// those who read a large file once, from front to back.
void ReleaseMapped(std::span<const std::byte> bytes);

// Reads `bytes` of a mapping into memory. DATA_LOSS when the file has become shorter or unreadable.
Status MakeMappedResident(std::span<const std::byte> bytes);

}  // namespace windrose
