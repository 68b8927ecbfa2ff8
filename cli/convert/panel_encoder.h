// PanelEncoder: the bytes of one tensor of a checkpoint, sixteen rows at a time.
//
// A panel is what the packed formats make of sixteen outputs; plain formats are cut the same way,
// so that all tensors are converted alike. Borrows the source and the tensor. Immutable:
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "cli/convert/weight_source.h"
#include "common/base/status.h"
#include "common/model/checkpoint_layout.h"

namespace windrose::cli {

class PanelEncoder {
 public:
  PanelEncoder(const WeightSource& source, const StoredTensor& tensor);

  size_t panel_count() const;
  // Numbers that Encode wants as scratch.
  size_t scratch_size() const;
  // Where panel `panel` begins in the tensor; that of panel_count() is the tensor's end.
  size_t Offset(size_t panel) const;

  // Writes panel `panel` to `out`, which has exactly its bytes. INVALID_ARGUMENT names file, tensor
  // and rows of weights that are not finite or above 2^126, or zeros throughout the panel.
  Status Encode(size_t panel, std::span<float> scratch, std::span<std::byte> out) const;

 private:
  size_t RowsOf(size_t panel) const;
  Status CheckFinite(size_t first, const ConstRows& rows) const;
  Status CheckNotEmpty(size_t first, const ConstRows& rows) const;
  Status Refusal(const std::string& why) const;

  const WeightSource& source_;
  const StoredTensor& tensor_;
  size_t rows_;
  size_t cols_;
};

}  // namespace windrose::cli
