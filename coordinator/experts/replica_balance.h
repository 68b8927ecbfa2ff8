// How the holders of experts share the rows of one layer. Pure functions on values; no I/O.
//
// A layer is done when its slowest worker is, so what is minimised is the time of that one, and
// with it the number of frames: each costs the coordinator about the same, whatever is in it, and
// an expert may be computed in less. Where rows go never changes a result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/base/ids.h"

namespace windrose {

// One expert of a layer; all are of one size.
struct ExpertSize {
  uint64_t weights = 0;       // two operations for each and row
  uint64_t weight_bytes = 0;  // of all of them, read once for any number of rows
};

// What a plan weighs besides rows, all of it in the time of one row of one expert.
struct ShareCosts {
  double weight_read = 0;  // a worker that computes n rows of an expert is busy for weight_read + n
  double frame = 0;        // one more worker is sent a frame, and answers it
};

// From the dimensions, by what a worker reads and computes in a second. An expert of Mixtral 8x7B
// in q4 costs 4 rows to read and a frame a twenty-fifth of a row, so two experts always go to two
// workers. One of 256 by 256 in bf16 costs 13 rows to read and a frame 36: it takes several of them
// before a second worker is asked. Only the orders of magnitude matter: doubled or halved they
// change which of nearly even shares are chosen.
ShareCosts CostsOf(const ExpertSize& size);

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
// so an expert at rest has a home. Then workers are left out whose share costs the others less than
// a frame; among equals `turn` chooses, a number that grows with the layers computed. Last, rows of
// the slowest worker move to other holders where the time won is worth reading an expert twice.
// `load` is what workers have to do before, in rows, by WorkerId.
std::vector<std::vector<DemandPart>> ShareOut(const std::vector<ExpertDemand>& demands,
                                              std::vector<double> load, const ShareCosts& costs,
                                              uint64_t turn);

}  // namespace windrose
