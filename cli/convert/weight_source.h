// WeightSource: where the weights of a new checkpoint come from, row by row, as f32.
//
// The tensors are those of TensorsOf(config()), with their shapes; whoever makes a source has
// checked that it has them. Owned by the command; all methods are thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/model/chat_template_file.h"
#include "common/model/config.h"
#include "common/tensor/dtype.h"
#include "common/tensor/view.h"

namespace windrose::cli {

class WeightSource {
 public:
  virtual ~WeightSource() = default;

  virtual const MixtralConfig& config() const = 0;

  // The plain format that holds the values of `tensor`: its own, or bf16 when it is in blocks.
  virtual DType FormatOf(const std::string& tensor) const = 0;

  // The file that has `tensor`, for messages.
  virtual std::string FileOf(const std::string& tensor) const = 0;

  // Rows first … first + out.rows - 1 of `tensor`; a norm is one row. out: [rows, cols of tensor].
  virtual Status ReadRows(const std::string& tensor, size_t first, const Rows& out) const = 0;

  // Advice, so that a large source neither waits for its disk nor fills the memory: `tensor` will
  // be read soon, or has been read to its end.
  virtual void WillRead(const std::string& /*tensor*/) const {}
  virtual void WasRead(const std::string& /*tensor*/) const {}

  // DATA_LOSS when the weights are not those whose hashes the source has, if it has any. Reads all
  // of them.
  virtual Status Verify() const { return OkStatus(); }

  // The bytes of tokenizer.model; NOT_FOUND when there is none.
  virtual StatusOr<std::string> Tokenizer() const = 0;
  // What it does otherwise than the source says, or nothing.
  virtual std::string TokenizerWarning() const { return ""; }

  // NOT_FOUND when there is none.
  virtual StatusOr<ChatTemplateFile> ChatTemplate() const {
    return NotFound("the source has no chat template");
  }

  // Short texts that change whenever the weights may have changed, as name, size and time of each
  // file. An unfinished conversion goes on only from the source it was begun with.
  virtual StatusOr<std::vector<std::string>> Identity() const = 0;
};

}  // namespace windrose::cli
