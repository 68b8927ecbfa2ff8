#include "cli/chat/interruptible_backend.h"

#include <csignal>

namespace windrose::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

// While it lives, the first SIGINT sets `interrupted`.
class Attention {
 public:
  Attention() {
    interrupted = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGINT, &action, &before_);
  }
  ~Attention() { ::sigaction(SIGINT, &before_, nullptr); }
  Attention(const Attention&) = delete;
  Attention& operator=(const Attention&) = delete;

 private:
  struct sigaction before_ {};
};

}  // namespace

Status InterruptibleBackend::Ask(const std::string& body, const EventCallback& on_event) {
  const Attention attention;
  return inner_.Ask(body,
                    [&](const std::string& data) { return interrupted == 0 && on_event(data); });
}

}  // namespace windrose::cli
