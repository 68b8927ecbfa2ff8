#include "cli/chat/interruptible_backend.h"

#include <gtest/gtest.h>

#include <csignal>
#include <vector>

namespace windrose::cli {
namespace {

// Sends itself a SIGINT before the third of four events.
class InterruptedBackend final : public ChatBackend {
 public:
  Status Ask(const std::string&, const EventCallback& on_event) override {
    for (int event = 1; event <= 4; ++event) {
      if (event == 3 && interrupts) std::raise(SIGINT);
      if (!on_event(std::to_string(event))) return Cancelled("cut");
    }
    return OkStatus();
  }
  StatusOr<std::string> DefaultModel() override { return std::string("demo"); }

  bool interrupts = true;
};

void (*Handler())(int) {
  struct sigaction action {};
  ::sigaction(SIGINT, nullptr, &action);
  return action.sa_handler;
}

TEST(InterruptibleBackend, CutsTheAnswerThatIsAwaitedAndNoOther) {
  InterruptedBackend inner;
  InterruptibleBackend backend(inner);
  std::vector<std::string> events;
  const auto collect = [&](const std::string& data) {
    events.push_back(data);
    return true;
  };
  EXPECT_EQ(backend.Ask("", collect).code(), StatusCode::kCancelled);
  EXPECT_EQ(events, (std::vector<std::string>{"1", "2"}));
  inner.interrupts = false;
  EXPECT_TRUE(backend.Ask("", collect).ok());
  EXPECT_EQ(events.size(), 6U);
}

TEST(InterruptibleBackend, LeavesTheSignalAsItWas) {
  InterruptedBackend inner;
  InterruptibleBackend backend(inner);
  const auto before = Handler();
  EXPECT_FALSE(backend
                   .Ask("",
                        [&](const std::string&) {
                          EXPECT_NE(Handler(), before);
                          return true;
                        })
                   .ok());
  EXPECT_EQ(Handler(), before);
}

}  // namespace
}  // namespace windrose::cli
