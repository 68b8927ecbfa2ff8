#include "common/model/weight_storage.h"

#include <algorithm>

namespace windrose {
namespace {

// How much is read between two looks at whether to stop; the piece behind it is on its way from
// the disk meanwhile.
constexpr size_t kPieceBytes = 16 << 20;

std::span<const std::byte> PieceAt(std::span<const std::byte> bytes, size_t begin) {
  begin = std::min(begin, bytes.size());
  return bytes.subspan(begin, std::min(kPieceBytes, bytes.size() - begin));
}

// One reading of some tensors.
class Reader {
 public:
  Reader(const std::atomic<bool>& stop, std::atomic<uint64_t>& bytes_read)
      : stop_(stop), bytes_read_(bytes_read) {}

  Status Read(std::span<const std::byte> bytes, ContentHasher* hasher) {
    for (size_t begin = 0; begin < bytes.size(); begin += kPieceBytes) {
      if (stop_.load()) return Cancelled("stopped while weights were read");
      const std::span<const std::byte> piece = PieceAt(bytes, begin);
      PrefetchMapped(PieceAt(bytes, begin + kPieceBytes));
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
