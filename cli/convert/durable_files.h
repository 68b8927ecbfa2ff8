// Files that are whole or not there, also after a power cut. Thread-safe (free functions and
// values).
#pragma once

#include <string>
#include <string_view>

#include "common/base/status.h"

namespace windrose::cli {

// Gives `from` in `directory` the name `to`, which it takes over at once, after its bytes are on
// disk.
Status Publish(const std::string& directory, const std::string& from, const std::string& to);

// Writes `name` in `directory` through a file NAME.new, and publishes it.
Status WriteDurably(const std::string& directory, const std::string& name, std::string_view text);

// Keeps other processes from writing into a directory while it lives.
class DirectoryLock {
 public:
  // FAILED_PRECONDITION when another process has it.
  static StatusOr<DirectoryLock> Take(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace windrose::cli
