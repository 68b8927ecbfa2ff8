#include "expert-worker/exec/accepted_call.h"

namespace windrose {

ComputedReply FailedReply(const AcceptedCall& call, StatusCode code) {
  ComputedReply reply;
  reply.caller = call.caller;
  reply.arrived = call.arrived;
  reply.frame.header = call.frame.header;
  for (const wire::Segment& segment : call.frame.segments) {
    reply.frame.segments.push_back({segment.expert, code, 0, 0});
  }
  return reply;
}

}  // namespace windrose
