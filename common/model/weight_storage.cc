#include "common/model/weight_storage.h"

#include <algorithm>
#include <set>

#include "common/model/large_pages.h"

namespace windrose {
namespace {

constexpr size_t kPieceBytes = 16 << 20;  // between two looks at whether to stop

// One reading of some tensors.
class Reader {
 public:
  Reader(const std::atomic<bool>& stop, std::atomic<uint64_t>& bytes_read)
      : stop_(stop), bytes_read_(bytes_read) {}

  Status Read(std::span<const std::byte> bytes, ContentHasher* hasher) {
    for (size_t begin = 0; begin < bytes.size(); begin += kPieceBytes) {
      if (stop_.load()) return Cancelled("stopped while weights were read");
      const auto piece = bytes.subspan(begin, std::min(kPieceBytes, bytes.size() - begin));
      RETURN_IF_ERROR(MakeMappedResident(piece));
      if (hasher != nullptr) hasher->Add(piece);
      bytes_read_.fetch_add(piece.size());
    }
    return OkStatus();
  }

  Status Verify(std::span<const std::byte> bytes, const Hash128& wanted) {
    ContentHasher hasher;
    RETURN_IF_ERROR(Read(bytes, &hasher));
    const Hash128 hash = hasher.Finish();
    if (hash == wanted) return OkStatus();
    return DataLoss("the manifest has hash " + wanted.Hex() + ", the file's bytes have " +
                    hash.Hex());
  }

 private:
  const std::atomic<bool>& stop_;
  std::atomic<uint64_t>& bytes_read_;
};

}  // namespace

bool WeightStorage::has_hashes() const {
  return std::any_of(tensors_.begin(), tensors_.end(),
                     [](const Tensor& tensor) { return tensor.hash.has_value(); });
}

uint64_t WeightStorage::large_page_bytes() const {
  std::set<const MappedFile*> files;
  for (const Tensor& tensor : tensors_) files.insert(tensor.file.get());
  std::vector<std::span<const std::byte>> mappings;
  for (const MappedFile* file : files) mappings.push_back(file->bytes());
  return BytesInLargePages(mappings);
}

Status WeightStorage::Read(Compare compare, const std::atomic<bool>& stop,
                           std::atomic<uint64_t>& bytes_read) const {
  Reader reader(stop, bytes_read);
  for (const Tensor& tensor : tensors_) {
    const bool verify = compare == Compare::kHashes && tensor.hash.has_value();
    const Status status =
        verify ? reader.Verify(tensor.bytes, *tensor.hash) : reader.Read(tensor.bytes, nullptr);
    RETURN_IF_ERROR(Annotate(status, tensor.file->name() + ": tensor " + tensor.name));
  }
  return OkStatus();
}

}  // namespace windrose
