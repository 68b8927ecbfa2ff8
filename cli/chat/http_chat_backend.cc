#include "cli/chat/http_chat_backend.h"

#include "cli/chat/api_request.h"
#include "cli/chat/model_list.h"

namespace windrose::cli {
namespace {

constexpr int kHttpOk = 200;

}  // namespace

StatusOr<std::unique_ptr<HttpChatBackend>> HttpChatBackend::Create(const std::string& url,
                                                                   const std::string& api_key) {
  ASSIGN_OR_RETURN(const HostPort server, ParseUrl(url));
  return std::unique_ptr<HttpChatBackend>(new HttpChatBackend(HttpClient::Make(server), api_key));
}

Status HttpChatBackend::Ask(const std::string& body, const EventCallback& on_event) {
  HttpClientRequest request;
  request.method = "POST";
  request.target = "/v1/chat/completions";
  request.fields = ApiFields(api_key_);
  request.body = body;

  bool wanted = true;
  EventStream events([&](const std::string& data) { wanted = wanted && on_event(data); });
  return ReadEvents(*client_, request, events, [&] { return wanted; });
}

StatusOr<std::string> HttpChatBackend::DefaultModel() {
  HttpClientRequest request;
  request.target = "/v1/models";
  request.fields = ApiFields(api_key_);
  const StatusOr<HttpResponse> response = client_->Do(request);
  if (!response.ok()) return Annotate(response.status(), "no cluster answers");
  if (response->status != kHttpOk) return HttpFailure(response->status, response->body);
  return FirstModelId(response->body);
}

}  // namespace windrose::cli
