// Whether this process may use the processor's matrix unit, for bytes and for bf16 (AMX). Private
// to common/kernels.
#pragma once

namespace windrose {

// True where the processor has the unit and the system grants it. Asks once, since Linux hands out
// the 8 KiB of state per thread on request alone. Thread-safe.
bool HasMatrixUnit();

}  // namespace windrose
