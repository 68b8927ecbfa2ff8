// Server-sent events as OpenAI's clients read them. Pure functions; thread-safe.
//
//   event   = "data: " json-on-one-line LF LF
//   comment = ": ping" LF LF
//   end     = "data: [DONE]" LF LF
//
// Never an `id:` or `retry:` line: after one, some clients take every blank line for an empty
// event.
#pragma once

#include <string>
#include <string_view>

namespace windrose::router {

constexpr char kSseContentType[] = "text/event-stream; charset=utf-8";

// `json` holds no line break; JsonWriter never writes one.
std::string SseEvent(std::string_view json);
std::string SsePing();
std::string SseDone();

}  // namespace windrose::router
