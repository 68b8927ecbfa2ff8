#define HWY_WANT_AVX3_DL 1  // a set of the kernels that multiply bytes
#include "common/kernels/instruction_set.h"

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

}  // namespace

std::string InstructionSet() {
  UpdateChosenTarget();
  return hwy::TargetName(HWY_DYNAMIC_DISPATCH(TargetOf)());
}

std::vector<std::string> SupportedInstructionSets() {
  std::vector<std::string> names;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    names.emplace_back(hwy::TargetName(target));
  }
  return names;
}

Status UseInstructionSet(const std::string& name) {
  std::string known = "best";
  hwy::SetSupportedTargetsForTest(0);
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    known += std::string(", ") + hwy::TargetName(target);
    if (name != hwy::TargetName(target)) continue;
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
