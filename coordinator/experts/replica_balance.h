// How the holders of experts share the rows of one layer. Pure functions on values; no I/O.
//
// A layer is done when its slowest worker is, so what is minimised is the time of that one. Where
// rows go never changes a result.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/base/ids.h"

namespace windrose {

// What reading an expert's weights costs, in rows: a worker that computes `rows` rows of an expert
// is busy for kWeightReadRows + rows. Bytes of the weights over the memory's bandwidth, divided by
// operations of a row over the rate of products: 99 MB / 15 GB/s against 352 MFLOP / 150 GFLOP/s
// are 2.8 rows for an expert of Mixtral 8x7B in q4 on one thread with VNNI, 5 in q8. Processors
// with more cores on the same memory come to 7. Only the order of magnitude matters: doubled or
// halved it changes which of nearly even shares are chosen.
inline constexpr double kWeightReadRows = 4;

// The rows that want one expert, and who holds it.
struct ExpertDemand {
  ExpertId expert;
  size_t rows = 0;
  std::span<const WorkerId> holders;  // not empty
};

// What one worker computes of a demand.
struct DemandPart {
  WorkerId worker;
  size_t rows = 0;
};

// The parts of each demand: result[demand], whose rows add up to the demand's. Largest demands
// first, each goes whole to the holder that is free first; equally free ones take turns by expert,
// so an expert at rest has a home. Then rows of the slowest worker move to other holders where the
// time won is worth reading an expert twice. `load` is what workers have to do before, in rows, by
// WorkerId.
std::vector<std::vector<DemandPart>> ShareOut(const std::vector<ExpertDemand>& demands,
                                              std::vector<double> load);

}  // namespace windrose
