// InterruptibleBackend: Ctrl-C while an answer is awaited cuts the answer, not the program.
#pragma once

#include <string>

#include "cli/chat/chat_backend.h"

namespace windrose::cli {

// Main thread only.
class InterruptibleBackend final : public ChatBackend {
 public:
  // `inner` must outlive this.
  explicit InterruptibleBackend(ChatBackend& inner) : inner_(inner) {}

  // After a SIGINT the next event is the last, and the status CANCELLED. A second SIGINT, when no
  // event comes, has its usual effect, as outside of this call.
  Status Ask(const std::string& body, const EventCallback& on_event) override;
  StatusOr<std::string> DefaultModel() override { return inner_.DefaultModel(); }

 private:
  ChatBackend& inner_;
};

}  // namespace windrose::cli
