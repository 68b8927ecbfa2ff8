// MadeSource: weights that are a function of tensor, row and column, with faults to order.
//
// Thread-safe while nobody changes what is public.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/convert/weight_source.h"
#include "common/model/tensor_names.h"

namespace windrose::cli {

class MadeSource final : public WeightSource {
 public:
  explicit MadeSource(const MixtralConfig& config) : config_(config) {}

  // Called before rows are read; what is not OK is what the reader gets.
  std::function<Status(const std::string& tensor)> before_read;
  // Another weight than the usual one.
  std::function<std::optional<float>(const std::string& tensor, size_t row, size_t col)> weight;
  std::optional<std::string> tokenizer = "pieces";
  StatusOr<ChatTemplateFile> chat_template = NotFound("no chat template");
  std::vector<std::string> identity = {"made"};

  const MixtralConfig& config() const override { return config_; }
  DType FormatOf(const std::string& /*tensor*/) const override { return config_.dtype; }

  std::string FileOf(const std::string& /*tensor*/) const override { return "made.file"; }

  Status ReadRows(const std::string& tensor, size_t first, const Rows& out) const override {
    if (before_read) RETURN_IF_ERROR(before_read(tensor));
    for (size_t row = 0; row < out.rows; ++row) {
      for (size_t col = 0; col < out.cols; ++col) {
        out.row(row)[col] = Weight(tensor, first + row, col);
      }
    }
    return OkStatus();
  }

  StatusOr<std::string> Tokenizer() const override {
    if (tokenizer) return *tokenizer;
    return NotFound("no tokenizer");
  }
  StatusOr<ChatTemplateFile> ChatTemplate() const override { return chat_template; }
  StatusOr<std::vector<std::string>> Identity() const override { return identity; }

 private:
  float Weight(const std::string& tensor, size_t row, size_t col) const {
    if (weight) {
      const std::optional<float> other = weight(tensor, row, col);
      if (other) return *other;
    }
    const size_t mixed = std::hash<std::string>()(tensor) + row * 7919 + col * 104729;
    return static_cast<float>(mixed % 1021) / 1021.0F - 0.5F;
  }

  MixtralConfig config_;
};

}  // namespace windrose::cli
