// TopKGate: which experts a row goes to, and with which weights.
//
// As Hugging Face's Mixtral: softmax over all experts in f32, the k largest, divided by their sum.
// Thread-safe (pure function). No allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace windrose {

constexpr size_t kMaxGateExperts = 256;

// scores: [experts], at most kMaxGateExperts. The chosen are written in order of falling
// probability, ties with the lower id first; ids.size() == weights.size() <= experts. NaN counts as
// minus infinity, infinity as the largest number.
void TopKGate(std::span<const float> scores, std::span<uint32_t> ids, std::span<float> weights);

}  // namespace windrose
