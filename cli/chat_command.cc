#include "cli/chat_command.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "cli/chat/api_request.h"
#include "cli/chat/chat_session.h"
#include "cli/chat/http_chat_backend.h"
#include "cli/chat/interruptible_backend.h"
#include "common/base/time.h"
#include "common/config/config_parser.h"

namespace windrose::cli {
namespace {

struct ChatConfig {
  std::string url = "http://127.0.0.1:8080";
  std::string api_key;
  ChatOptions chat;
};

void AddFlags(ConfigParser& parser, ChatConfig& config) {
  parser.Add("url", config.url, "where the cluster is, as http://host:port");
  parser.Add("api-key", config.api_key, "key to send, when the cluster wants one");
  parser.Add("model", config.chat.model, "model id; empty takes the first that is served");
  parser.Add("system", config.chat.system, "system message");
  parser.Add("temperature", config.chat.temperature, "0 always takes the likeliest token", 0, 2);
  parser.Add("max-tokens", config.chat.max_tokens, "longest answer in tokens", 1, 1 << 20);
}

Status Chat(ChatConfig& config) {
  ASSIGN_OR_RETURN(const auto backend, HttpChatBackend::Create(config.url, config.api_key));
  if (config.chat.model.empty()) {
    StatusOr<std::string> model = backend->DefaultModel();
    if (!model.ok()) return Annotate(model.status(), config.url);
    config.chat.model = *model;
  }
  const bool interactive = ::isatty(STDIN_FILENO) == 1;
  if (interactive) std::cerr << config.chat.model << " at " << config.url << "; /help\n";
  const SystemClock clock;
  InterruptibleBackend interruptible(*backend);
  const ChatStreams streams{std::cin, std::cout, std::cerr, interactive,
                            ::isatty(STDOUT_FILENO) == 1};
  ChatBackend& answering = interactive ? static_cast<ChatBackend&>(interruptible) : *backend;
  return ChatSession(answering, clock, streams, config.chat).Run();
}

}  // namespace

int RunChat(int argc, const char* const* argv) {
  ChatConfig config;
  ConfigParser parser("windrose chat", "Talks to a cluster in the terminal.");
  AddFlags(parser, config);
  parser.AddCheck([&config] { return Annotate(ParseUrl(config.url).status(), "--url"); });
  if (const std::optional<int> exit_code = parser.Parse(argc, argv)) return *exit_code;
  const Status status = Chat(config);
  if (status.ok()) return 0;
  std::fprintf(stderr, "windrose chat: %s\n", Message(status).c_str());
  return 1;
}

}  // namespace windrose::cli
