// What to do when a coordinator ends a generation with an error. Pure.
#pragma once

#include "common/base/status.h"

namespace windrose::router {

enum class FailureAction {
  kFail,      // the client's error: no coordinator would answer otherwise
  kReplay,    // the coordinator or its connection died: go on elsewhere
  kTryOther,  // it refused for now (overloaded, draining, loading): ask another one
  kTryReady,  // it lost an expert: ask another one that has them all, if there is one
};

// `started`: a coordinator took the request before, so that one which does not is the odd one.
FailureAction ClassifyFailure(const Status& status, bool started);

}  // namespace windrose::router
