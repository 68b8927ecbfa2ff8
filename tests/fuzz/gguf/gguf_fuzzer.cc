// Any bytes as a GGUF file: an error, or keys and tensors that can be read to their ends.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/base/check.h"
#include "common/model/gguf.h"
#include "common/model/gguf_blocks.h"
#include "common/model/gguf_config.h"
#include "common/model/gguf_metadata.h"
#include "common/model/gguf_tokenizer.h"

namespace {

using windrose::GgufHeader;
using windrose::GgufMetadata;
using windrose::GgufTensor;

constexpr uint64_t kMaxElements = 1 << 16;

void CheckTensor(const GgufTensor& tensor, std::span<const std::byte> file) {
  CHECK(tensor.begin <= tensor.end && tensor.end <= file.size());
  if (!windrose::CanDecode(tensor.type)) return;
  uint64_t rows = 1;
  for (size_t i = 1; i < tensor.sizes.size(); ++i) rows *= tensor.sizes[i];
  const uint64_t row_bytes = tensor.bytes() / rows;
  CHECK(row_bytes * rows == tensor.bytes());
  std::vector<float> row(tensor.sizes.front());
  windrose::DecodeBlocks(tensor.type, file.subspan(tensor.end - row_bytes, row_bytes), row);
}

// Whatever a key holds, asking for it as anything gives a value or an error.
void CheckKey(const GgufMetadata& metadata, const std::string& key) {
  const auto count = metadata.Count(key);
  const auto number = metadata.Number(key);
  const auto flag = metadata.Flag(key);
  const auto text = metadata.Text(key);
  CHECK(count.ok() + number.ok() + flag.ok() + text.ok() <= 1);
  const auto texts = metadata.Texts(key, kMaxElements);
  const auto floats = metadata.Floats(key, kMaxElements);
  const auto counts = metadata.Counts(key, kMaxElements);
  CHECK(texts.ok() + floats.ok() + counts.ok() <= 1);
  CHECK(!texts.ok() || texts->size() == *metadata.ElementsOf(key));
}

void CheckFile(std::span<const std::byte> file) {
  const auto header = windrose::ParseGgufHeader(file, file.size());
  if (!header.ok()) return;
  uint64_t bytes = 0;
  for (const auto& [name, tensor] : header->tensors) {
    CheckTensor(tensor, file);
    bytes += tensor.bytes();
  }
  CHECK(bytes <= file.size());
  const GgufMetadata metadata(header->values, file);
  for (const auto& [key, value] : header->values) {
    CHECK(value.begin <= value.end && value.end <= file.size());
    CheckKey(metadata, key);
  }
  const auto config = windrose::ReadGgufConfig(metadata);
  CHECK(!config.ok() || (config->head_dim > 0 && config->heads % config->kv_heads == 0));
  const auto tokenizer = windrose::GgufTokenizerModel(metadata);
  CHECK(!tokenizer.ok() || !tokenizer->empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CheckFile(std::as_bytes(std::span(data, size)));
  return 0;
}
