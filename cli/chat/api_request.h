// Requests to the public HTTP interface, as chat and bench make them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/chat/event_stream.h"
#include "common/base/status.h"
#include "common/net/http_client.h"

namespace windrose::cli {

// "http://host", "http://host:port" or either with a slash behind it. INVALID_ARGUMENT otherwise.
StatusOr<HostPort> ParseUrl(const std::string& url);

// What each request is sent with: the content type and, when there is one, the key.
std::vector<HttpField> ApiFields(const std::string& api_key);

// "HTTP 404: the model is not served", from an answer that is no success.
Status HttpFailure(int http_status, std::string_view body);

// Reads one answer as server-sent events, which go to `events`; after each piece of the body
// `go_on` is asked, and false ends the request with CANCELLED. Blocks. HttpFailure for an answer
// that is no success, what EventStream says of one that is no stream of events, and what HttpClient
// says.
Status ReadEvents(HttpClient& client, const HttpClientRequest& request, EventStream& events,
                  const std::function<bool()>& go_on);

}  // namespace windrose::cli
