#include "router/api/sse.h"

#include "common/base/check.h"

namespace windrose::router {

std::string SseEvent(std::string_view json) {
  DCHECK(json.find('\n') == std::string_view::npos);
  std::string event;
  event.reserve(json.size() + 8);
  event += "data: ";
  event += json;
  event += "\n\n";
  return event;
}

std::string SsePing() { return ": ping\n\n"; }

std::string SseDone() { return SseEvent("[DONE]"); }

}  // namespace windrose::router
