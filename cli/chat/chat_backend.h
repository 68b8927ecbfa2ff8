// ChatBackend: who answers a chat request; the seam between the conversation and the network.
#pragma once

#include <functional>
#include <string>

#include "common/base/status.h"

namespace windrose::cli {

// Thread-compatible.
class ChatBackend {
 public:
  virtual ~ChatBackend() = default;
  // Called with the data of each event of the stream; false ends the request.
  using EventCallback = std::function<bool(const std::string& data)>;

  // Sends a request body of /v1/chat/completions with "stream": true. OK when the stream ended as
  // HTTP says it should; the caller still looks for the last event. An HTTP error becomes a status
  // with the server's own message. CANCELLED when `on_event` said false.
  virtual Status Ask(const std::string& body, const EventCallback& on_event) = 0;

  // The id of the first model that is served.
  virtual StatusOr<std::string> DefaultModel() = 0;
};

}  // namespace windrose::cli
