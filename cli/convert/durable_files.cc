#include "cli/convert/durable_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace windrose::cli {
namespace {

Status CannotWrite(const std::string& path) {
  const std::string message = "cannot write " + path + ": " + std::strerror(errno);
  return errno == ENOSPC || errno == EDQUOT ? ResourceExhausted(message) : Unavailable(message);
}

// Brings a file or directory to the disk.
Status Sync(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return CannotWrite(path);
  const Status status = fsync(descriptor) == 0 ? OkStatus() : CannotWrite(path);
  close(descriptor);
  return status;
}

}  // namespace

Status Publish(const std::string& directory, const std::string& from, const std::string& to) {
  RETURN_IF_ERROR(Sync(directory + "/" + from));
  if (std::rename((directory + "/" + from).c_str(), (directory + "/" + to).c_str()) != 0) {
    return CannotWrite(directory + "/" + to);
  }
  return Sync(directory);
}

Status WriteDurably(const std::string& directory, const std::string& name, std::string_view text) {
  const std::string path = directory + "/" + name + ".new";
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return CannotWrite(path);
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const Status status = written ? OkStatus() : CannotWrite(path);
  if (std::fclose(file) != 0 && status.ok()) return CannotWrite(path);
  RETURN_IF_ERROR(status);
  return Publish(directory, name + ".new", name);
}

StatusOr<DirectoryLock> DirectoryLock::Take(const std::string& directory) {
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    return Unavailable("cannot open " + directory + ": " + std::strerror(errno));
  }
  DirectoryLock lock(descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) {
    return Unavailable("cannot lock " + directory + ": " + std::strerror(errno));
  }
  return FailedPrecondition("another process is writing into " + directory);
}

DirectoryLock::~DirectoryLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

}  // namespace windrose::cli
