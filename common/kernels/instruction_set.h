// Which instruction set the kernels run with.
//
// Chosen once per process from what the processor has; bits are promised within one, so it is part
// of what a deployment tells about itself. Thread-safe, but tests that force a set must do so while
// no kernel runs.
#pragma once

#include <string>
#include <vector>

namespace windrose {

// The name of the set in use, for example "AVX2" or "AVX3" (AVX-512).
std::string InstructionSet();

// All sets compiled in that this processor has, best first.
std::vector<std::string> SupportedInstructionSets();

// Makes the kernels use `name`, one of the above; an empty name goes back to the best. Tests only.
void ForceInstructionSetForTest(const std::string& name);

// Numbers in one vector register of the set in use. For benches.
size_t FloatLanes();

}  // namespace windrose
