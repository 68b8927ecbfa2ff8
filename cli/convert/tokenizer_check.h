// Whether a coordinator would take the tokenizer of a source. Thread-safe (a function).
#pragma once

#include "cli/convert/weight_source.h"
#include "common/base/status.h"

namespace windrose::cli {

// NOT_FOUND when the source has none; INVALID_ARGUMENT or FAILED_PRECONDITION say what a
// coordinator would say of the converted model, after hours perhaps.
Status CheckTokenizer(const WeightSource& source);

}  // namespace windrose::cli
