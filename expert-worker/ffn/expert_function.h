// ExpertFunction: what a worker computes, behind one call, so that a bench or a test can put
// another in.
//
// Owned by main (or a simulation); used by the executor's thread only.
#pragma once

#include <cstddef>
#include <span>

#include "common/base/ids.h"
#include "common/tensor/bf16_order.h"

namespace windrose {

// What rows must have in common to go through an expert together.
struct ExpertPass {
  LayerIndex layer;
  Bf16Order order = Bf16Order::kPairs;  // of products with packed bf16

  bool operator==(const ExpertPass&) const = default;
};

class ExpertFunction {
 public:
  virtual ~ExpertFunction() = default;

  virtual size_t hidden_size() const = 0;
  virtual size_t layer_count() const = 0;
  // True when `expert` can be computed here, for every layer.
  virtual bool Holds(ExpertId expert) const = 0;

  // output[row] = expert(input[row]) for rows of [rows, hidden_size] f32. A row's result depends on
  // the pass, not on the other rows. The pass's layer and `expert` must be held.
  virtual void Run(const ExpertPass& pass, ExpertId expert, std::span<const float> input,
                   std::span<float> output) = 0;
};

}  // namespace windrose
