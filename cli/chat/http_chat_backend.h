// HttpChatBackend: asks a router. Thread-compatible.
#pragma once

#include <memory>
#include <string>

#include "cli/chat/chat_backend.h"
#include "common/net/http_client.h"

namespace windrose::cli {

class HttpChatBackend final : public ChatBackend {
 public:
  // `url` as "http://host:port"; `api_key` may be empty.
  static StatusOr<std::unique_ptr<HttpChatBackend>> Create(const std::string& url,
                                                           const std::string& api_key);

  Status Ask(const std::string& body, const EventCallback& on_event) override;
  StatusOr<std::string> DefaultModel() override;

 private:
  HttpChatBackend(std::unique_ptr<HttpClient> client, std::string api_key)
      : client_(std::move(client)), api_key_(std::move(api_key)) {}

  std::unique_ptr<HttpClient> client_;
  std::string api_key_;
};

}  // namespace windrose::cli
