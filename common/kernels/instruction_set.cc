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

void ForceInstructionSetForTest(const std::string& name) {
  hwy::SetSupportedTargetsForTest(0);
  // Better sets have lower bits. Those that are worse stay, for kernels that are not compiled for
  // this very one.
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (name == hwy::TargetName(target)) {
      hwy::SetSupportedTargetsForTest(hwy::SupportedTargets() & ~(target - 1));
      break;
    }
  }
  UpdateChosenTarget();
}

size_t FloatLanes() { return HWY_DYNAMIC_DISPATCH(LanesOf)(); }

}  // namespace windrose
#endif  // HWY_ONCE
