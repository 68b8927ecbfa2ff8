#include "cli/chat/api_request.h"

#include "cli/chat/model_list.h"

namespace windrose::cli {
namespace {

constexpr int kHttpOk = 200;
constexpr size_t kMaxErrorBytes = 64 * 1024;

}  // namespace

StatusOr<HostPort> ParseUrl(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  const Status bad = InvalidArgument("wanted http://host:port, got " + url);
  if (!url.starts_with(kScheme)) return bad;
  std::string authority = url.substr(kScheme.size());
  if (authority.ends_with('/')) authority.pop_back();
  const bool has_port = authority.rfind(':') != std::string::npos && !authority.ends_with(']');
  if (!has_port) authority += ":80";
  StatusOr<HostPort> server = ParseHostPort(authority);
  return server.ok() ? server : bad;
}

std::vector<HttpField> ApiFields(const std::string& api_key) {
  std::vector<HttpField> fields = {{"Content-Type", "application/json"}};
  if (!api_key.empty()) fields.push_back({"Authorization", "Bearer " + api_key});
  return fields;
}

Status HttpFailure(int http_status, std::string_view body) {
  const std::string said = ErrorMessage(body);
  const std::string message =
      "HTTP " + std::to_string(http_status) + (said.empty() ? ", and no word why" : ": " + said);
  if (http_status == 400) return InvalidArgument(message);
  return http_status == 404 ? NotFound(message) : Unavailable(message);
}

Status ReadEvents(HttpClient& client, const HttpClientRequest& request, EventStream& events,
                  const std::function<bool()>& go_on) {
  std::string error_body;  // what came, as long as it might be an error's JSON
  Status broken;
  const auto on_body = [&](std::string_view piece) {
    if (error_body.size() < kMaxErrorBytes) error_body += piece;
    broken = events.Feed(piece);
    const bool wanted = go_on();
    return broken.ok() && wanted;
  };
  const StatusOr<HttpResponse> response = client.Do(request, on_body);
  RETURN_IF_ERROR(broken);
  RETURN_IF_ERROR(response.status());
  if (response->status == kHttpOk) return OkStatus();
  return HttpFailure(response->status, error_body + response->body);
}

}  // namespace windrose::cli
