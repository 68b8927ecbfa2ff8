#include "common/tensor/bf16_order.h"

#include <gtest/gtest.h>

namespace windrose {
namespace {

TEST(Bf16Order, NamesLeadBack) {
  EXPECT_EQ(Bf16OrderNamed("pairs"), Bf16Order::kPairs);
  EXPECT_EQ(Bf16OrderNamed("blocks"), Bf16Order::kBlocks);
  for (const Bf16Order order : {Bf16Order::kPairs, Bf16Order::kBlocks}) {
    EXPECT_EQ(Bf16OrderNamed(NameOf(order)), order);
  }
  EXPECT_EQ(Bf16OrderNamed("auto"), std::nullopt);
}

}  // namespace
}  // namespace windrose
