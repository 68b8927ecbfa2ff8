#define HWY_WANT_AVX3_DL 1  // a set of the kernels that multiply bytes
#include "common/kernels/instruction_set.h"

#include <atomic>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/kernels/instruction_set.cc"
#include "common/kernels/targets.h"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "common/kernels/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace windrose::HWY_NAMESPACE {

int64_t TargetOf() { return HWY_TARGET; }
size_t LanesOf() { return kVectorFloats; }

}  // namespace windrose::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace windrose {
namespace {

HWY_EXPORT(TargetOf);
HWY_EXPORT(LanesOf);

// The chosen target becomes known to Highway's tables with the first question; asked each time
// here, because a test may have changed it.
void UpdateChosenTarget() { hwy::GetChosenTarget().Update(hwy::SupportedTargets()); }

// Highway knows no set with products of bf16: this one is AVX3_DL with an instruction more.
constexpr const char* kBf16Set = "AVX3_BF16";

// Whether the set with products of bf16 stands before `target`.
bool HasBf16Set([[maybe_unused]] int64_t target) {
#if defined(__x86_64__)
  return target == HWY_AVX3_DL && __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

// False once a lower set was chosen, until another choice.
std::atomic<bool>& Bf16ProductsAllowed() {
  static std::atomic<bool> allowed{true};
  return allowed;
}

}  // namespace

bool UsesBf16Products() {
  return Bf16ProductsAllowed().load() && HasBf16Set(HWY_DYNAMIC_DISPATCH(TargetOf)());
}

std::string InstructionSet() {
  UpdateChosenTarget();
  return UsesBf16Products() ? kBf16Set : hwy::TargetName(HWY_DYNAMIC_DISPATCH(TargetOf)());
}

std::vector<std::string> SupportedInstructionSets() {
  std::vector<std::string> names;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (HasBf16Set(target)) names.emplace_back(kBf16Set);
    names.emplace_back(hwy::TargetName(target));
  }
  return names;
}

Status UseInstructionSet(const std::string& name) {
  std::string known = "best";
  hwy::SetSupportedTargetsForTest(0);
  Bf16ProductsAllowed() = true;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (HasBf16Set(target)) known += std::string(", ") + kBf16Set;
    known += std::string(", ") + hwy::TargetName(target);
    const bool with_bf16 = HasBf16Set(target) && name == kBf16Set;
    if (name != hwy::TargetName(target) && !with_bf16) continue;
    Bf16ProductsAllowed() = with_bf16;
    // Better sets have lower bits.
    hwy::SetSupportedTargetsForTest(hwy::SupportedTargets() & ~(target - 1));
    UpdateChosenTarget();
    return OkStatus();
  }
  UpdateChosenTarget();
  if (name == "best") return OkStatus();
  return InvalidArgument("instruction set: wanted one of " + known + ", came " + name);
}

size_t FloatLanes() { return HWY_DYNAMIC_DISPATCH(LanesOf)(); }

}  // namespace windrose
#endif  // HWY_ONCE
