#include "common/model/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "common/model/strict_json.h"

namespace windrose {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

struct OpenedFile {
  Descriptor descriptor;
  size_t bytes;
};

// What errno says of `what`, which could not be opened. Only what is not there is NOT_FOUND: there
// are those who then go on without it.
Status CannotOpen(const std::string& what) {
  const std::string message = what + ": " + std::strerror(errno);
  if (errno == ENOENT || errno == ENOTDIR) return NotFound(message);
  if (errno == EACCES || errno == EPERM) return PermissionDenied(message);
  return Unavailable(message);
}

// A clone without Git LFS has a few lines in place of a large file, and they begin like this.
Status CheckIsNotPointer(const Descriptor& file, const std::string& name) {
  constexpr std::string_view kPointer = "version https://git-lfs.github.com/spec/";
  std::array<char, kPointer.size()> start{};
  const ssize_t got = pread(file.get(), start.data(), start.size(), 0);
  if (got <= 0 || std::string_view(start.data(), start.size()) != kPointer) return OkStatus();
  return InvalidArgument(name +
                         ": is a Git LFS pointer; wanted the file it points to, which "
                         "`git lfs pull` fetches");
}

// O_NONBLOCK so that opening a pipe does not wait for its other end; it is refused right after.
StatusOr<OpenedFile> OpenRegular(const std::string& directory, const std::string& name) {
  if (name.empty() || name.find_first_of(std::string_view("/\0", 2)) != std::string::npos) {
    return InvalidArgument("wanted the name of a file, got " + Quoted(name));
  }
  const Descriptor folder(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return CannotOpen("model directory " + directory);
  Descriptor file(
      openat(folder.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0 && errno == ELOOP) {
    return InvalidArgument(name + ": is a symbolic link; wanted the file itself in the directory");
  }
  if (file.get() < 0) return CannotOpen(directory + "/" + name);
  struct stat about {};
  if (fstat(file.get(), &about) != 0) return Internal(name + ": " + std::strerror(errno));
  if (!S_ISREG(about.st_mode)) return InvalidArgument(name + ": is not a regular file");
  RETURN_IF_ERROR(CheckIsNotPointer(file, name));
  return OpenedFile{std::move(file), static_cast<size_t>(about.st_size)};
}

// madvise wants whole pages.
std::span<std::byte> PagesOf(std::span<const std::byte> bytes) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(bytes.data()) / page * page;
  const auto end = reinterpret_cast<uintptr_t>(bytes.data()) + bytes.size();
  return {reinterpret_cast<std::byte*>(begin), end - begin};
}

}  // namespace

Status CheckPlainFileName(const std::string& name) {
  const bool printable =
      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!name.empty() && name.size() <= 255 && printable && name.front() != '.' &&
      name.find_first_of("/\\:") == std::string::npos) {
    return OkStatus();
  }
  return InvalidArgument("wanted a plain file name in the model directory, got " + Quoted(name));
}

StatusOr<std::shared_ptr<const MappedFile>> MappedFile::Open(const std::string& directory,
                                                             const std::string& name) {
  ASSIGN_OR_RETURN(const OpenedFile file, OpenRegular(directory, name));
  if (file.bytes == 0) return InvalidArgument(name + ": is empty");
  void* data = mmap(nullptr, file.bytes, PROT_READ, MAP_SHARED, file.descriptor.get(), 0);
  if (data == MAP_FAILED) {
    return ResourceExhausted(name + ": cannot map " + std::to_string(file.bytes) +
                             " bytes: " + std::strerror(errno));
  }
  // Where the page cache can hold large pages, what is missing comes in them.
  madvise(data, file.bytes, MADV_HUGEPAGE);
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(data), file.bytes);
  return std::shared_ptr<const MappedFile>(new MappedFile(name, bytes));
}

MappedFile::~MappedFile() {
  munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());  // munmap wants it mutable
}

StatusOr<std::string> ReadModelText(const std::string& directory, const std::string& name,
                                    size_t max_bytes) {
  ASSIGN_OR_RETURN(const OpenedFile file, OpenRegular(directory, name));
  if (file.bytes > max_bytes) {
    return ResourceExhausted(name + ": wanted at most " + std::to_string(max_bytes) +
                             " bytes, it has " + std::to_string(file.bytes));
  }
  std::string text(file.bytes, '\0');
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t got = read(file.descriptor.get(), text.data() + done, text.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return DataLoss(name + ": ended while it was read");
    done += static_cast<size_t>(got);
  }
  return text;
}

void PrefetchMapped(std::span<const std::byte> bytes) {
  const std::span<std::byte> pages = PagesOf(bytes);
  madvise(pages.data(), pages.size(), MADV_WILLNEED);
}

void ReleaseMapped(std::span<const std::byte> bytes) {
  const std::span<std::byte> pages = PagesOf(bytes);
  madvise(pages.data(), pages.size(), MADV_DONTNEED);
}

Status MakeMappedResident(std::span<const std::byte> bytes) {
  const std::span<std::byte> pages = PagesOf(bytes);
  if (pages.empty() || madvise(pages.data(), pages.size(), MADV_POPULATE_READ) == 0) {
    return OkStatus();
  }
  if (errno == EFAULT || errno == EHWPOISON || errno == EIO) {
    return DataLoss("a model file became shorter or unreadable while it was loaded");
  }
  PrefetchMapped(bytes);  // An older kernel: pages come when touched.
  return OkStatus();
}

}  // namespace windrose
