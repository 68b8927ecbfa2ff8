// HttpChatBackend: asks a router. Thread-compatible.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

// What each request is sent with: the content type and, when there is one, the key.
std::vector<HttpField> ApiFields(const std::string& api_key);

// "HTTP 404: the model is not served", from an answer that is no success.
Status HttpFailure(int http_status, std::string_view body);

// "http://host", "http://host:port" or either with a slash behind it. INVALID_ARGUMENT otherwise.
StatusOr<HostPort> ParseUrl(const std::string& url);

}  // namespace windrose::cli
