#include "common/tensor/bf16_order.h"

namespace windrose {

std::string_view NameOf(Bf16Order order) {
  return order == Bf16Order::kBlocks ? "blocks" : "pairs";
}

std::optional<Bf16Order> Bf16OrderNamed(std::string_view name) {
  for (const Bf16Order order : {Bf16Order::kPairs, Bf16Order::kBlocks}) {
    if (NameOf(order) == name) return order;
  }
  return std::nullopt;
}

}  // namespace windrose
