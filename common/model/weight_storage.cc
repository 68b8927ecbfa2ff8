#include "common/model/weight_storage.h"

#include <algorithm>

namespace windrose {
namespace {

// How much is read between two looks at whether to stop.
constexpr size_t kPieceBytes = 16 << 20;

StatusOr<Hash128> HashMapped(std::span<const std::byte> bytes, const std::atomic<bool>& stop) {
  ContentHasher hasher;
  for (size_t begin = 0; begin < bytes.size(); begin += kPieceBytes) {
    if (stop.load()) return Cancelled("stopped while weights were verified");
    const auto piece = bytes.subspan(begin, std::min(kPieceBytes, bytes.size() - begin));
    RETURN_IF_ERROR(MakeMappedResident(piece));
    hasher.Add(piece);
  }
  return hasher.Finish();
}

Status Verify(const WeightStorage::Tensor& tensor, const std::atomic<bool>& stop) {
  ASSIGN_OR_RETURN(const Hash128 hash, HashMapped(tensor.bytes, stop));
  if (hash == *tensor.hash) return OkStatus();
  return DataLoss("the manifest has hash " + tensor.hash->Hex() + ", the file's bytes have " +
                  hash.Hex());
}

}  // namespace

void WeightStorage::Prefetch() const {
  for (const Tensor& tensor : tensors_) PrefetchMapped(tensor.bytes);
}

bool WeightStorage::has_hashes() const {
  return std::any_of(tensors_.begin(), tensors_.end(),
                     [](const Tensor& tensor) { return tensor.hash.has_value(); });
}

Status WeightStorage::VerifyHashes(const std::atomic<bool>& stop) const {
  for (const Tensor& tensor : tensors_) {
    if (!tensor.hash) continue;
    RETURN_IF_ERROR(
        Annotate(Verify(tensor, stop), tensor.file->name() + ": tensor " + tensor.name));
  }
  return OkStatus();
}

}  // namespace windrose
