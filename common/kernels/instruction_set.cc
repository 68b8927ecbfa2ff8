#define HWY_WANT_AVX3_DL 1  // a set of the kernels that multiply bytes
#include "common/kernels/instruction_set.h"

#include <atomic>

#include "common/kernels/matrix_unit.h"
#include "common/kernels/processor.h"

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

// Highway knows neither set: AVX3_DL with an instruction more, and with a matrix unit on top.
constexpr const char* kBf16Set = "AVX3_BF16";
constexpr const char* kMatrixSet = "AVX3_AMX";

// What is used beyond the target, each with those before it; as far as the processor has it.
enum class Extras { kNone, kBf16, kMatrixUnit };

std::atomic<Extras>& ChosenExtras() {
  static std::atomic<Extras> extras{Extras::kMatrixUnit};
  return extras;
}

bool HasBf16Set([[maybe_unused]] int64_t target) {
#if defined(__x86_64__)
  return target == HWY_AVX3_DL && __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

bool HasMatrixSet(int64_t target) { return HasBf16Set(target) && HasMatrixUnit(); }

// A set that can be chosen.
struct NamedSet {
  std::string name;
  int64_t target;
  Extras extras;
};

std::vector<NamedSet> NamedSets() {
  std::vector<NamedSet> sets;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (HasMatrixSet(target)) sets.push_back({kMatrixSet, target, Extras::kMatrixUnit});
    if (HasBf16Set(target)) sets.push_back({kBf16Set, target, Extras::kBf16});
    sets.push_back({hwy::TargetName(target), target, Extras::kNone});
  }
  return sets;
}

// Forgets what was chosen before.
void AllowAll() {
  hwy::SetSupportedTargetsForTest(0);
  ChosenExtras() = Extras::kMatrixUnit;
  UpdateChosenTarget();
}

}  // namespace

bool UsesBf16Products() {
  return ChosenExtras().load() != Extras::kNone && HasBf16Set(HWY_DYNAMIC_DISPATCH(TargetOf)());
}

Products UsedProducts() {
  const bool unit = ChosenExtras().load() == Extras::kMatrixUnit &&
                    HasMatrixSet(HWY_DYNAMIC_DISPATCH(TargetOf)());
  return unit ? Products::kMatrixUnit : Products::kVectors;
}

Bf16Order FastestBf16Order() {
  return UsedProducts() == Products::kMatrixUnit ? Bf16Order::kBlocks : Bf16Order::kPairs;
}

std::string InstructionSet() {
  UpdateChosenTarget();
  if (UsedProducts() == Products::kMatrixUnit) return kMatrixSet;
  return UsesBf16Products() ? kBf16Set : hwy::TargetName(HWY_DYNAMIC_DISPATCH(TargetOf)());
}

std::vector<std::string> SupportedInstructionSets() {
  std::vector<std::string> names;
  for (const NamedSet& set : NamedSets()) names.push_back(set.name);
  return names;
}

Status UseInstructionSet(const std::string& name) {
  RETURN_IF_ERROR(CheckProcessor());
  AllowAll();
  if (name == "best") return OkStatus();
  std::string known = "best";
  for (const NamedSet& set : NamedSets()) {
    known += ", " + set.name;
    if (set.name != name) continue;
    ChosenExtras() = set.extras;
    // Better targets have lower bits.
    hwy::SetSupportedTargetsForTest(hwy::SupportedTargets() & ~(set.target - 1));
    UpdateChosenTarget();
    return OkStatus();
  }
  return InvalidArgument("instruction set: wanted one of " + known + ", came " + name);
}

size_t FloatLanes() { return HWY_DYNAMIC_DISPATCH(LanesOf)(); }

}  // namespace windrose
#endif  // HWY_ONCE
