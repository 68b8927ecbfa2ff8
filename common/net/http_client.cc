#include "common/net/http_client.h"

#include <array>
#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "common/net/asio.h"
#include "common/net/http_characters.h"

namespace windrose {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr uint32_t kHeadBytes = 64 * 1024;

class BeastHttpClient final : public HttpClient {
 public:
  BeastHttpClient(HostPort server, HttpClientOptions options)
      : server_(std::move(server)), options_(options), stream_(io_) {}

  StatusOr<HttpResponse> Do(const HttpClientRequest& request, const BodyCallback& on_body) override;
  void Close() override {
    AsioError ignored;
    stream_.socket().close(ignored);
    connected_ = false;
    buffer_.clear();
  }
  void Interrupt() override {
    interrupted_ = true;
    asio::post(io_, [this] { stream_.close(); });
  }

 private:
  using Parser = http::response_parser<http::buffer_body>;

  StatusOr<HttpResponse> DoOrThrow(const HttpClientRequest& request, const BodyCallback& on_body);
  Status Connect();
  // OK and the parsed head in `parser`, or why not.
  Status Exchange(const HttpClientRequest& request, std::optional<Parser>& parser);
  Status ReadHead(const HttpClientRequest& request, std::optional<Parser>& parser);
  Status ReadBody(Parser& parser, const BodyCallback& on_body, std::string& body);
  // Runs the one operation that was started; its error.
  AsioError Run();
  auto Done() {
    return [this](const AsioError& error, auto&&...) { error_ = error; };
  }

  const HostPort server_;
  const HttpClientOptions options_;
  asio::io_context io_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  AsioError error_;
  bool connected_ = false;
  std::atomic<bool> interrupted_{false};
};

bool IsInterruption(const AsioError& error) { return error == asio::error::operation_aborted; }

Status Describe(const AsioError& error, const std::string& what) {
  if (error == beast::error::timeout) return DeadlineExceeded(what + ": timed out");
  if (IsInterruption(error)) return Cancelled(what + ": interrupted");
  return Unavailable(what + ": " + error.message());
}

AsioError BeastHttpClient::Run() {
  error_ = {};
  io_.restart();
  // What Interrupt posted may have run before this operation began.
  if (interrupted_) stream_.close();
  io_.run();
  // A socket that was closed between two operations shows itself in other ways.
  const bool failed = error_ && error_ != http::error::need_buffer;
  return failed && interrupted_ ? asio::error::operation_aborted : error_;
}

Status BeastHttpClient::Connect() {
  if (connected_) return OkStatus();
  AsioError error;
  Tcp::resolver resolver(io_);
  const auto endpoints = resolver.resolve(server_.host, std::to_string(server_.port), error);
  if (error) return Describe(error, "cannot resolve " + server_.host);
  stream_.expires_after(options_.connect_timeout);
  stream_.async_connect(endpoints, Done());
  if (const AsioError failed = Run()) {
    return Describe(failed, "cannot connect to " + server_.ToString());
  }
  stream_.socket().set_option(Tcp::no_delay(true), error);
  connected_ = true;
  return OkStatus();
}

Status BeastHttpClient::Exchange(const HttpClientRequest& request, std::optional<Parser>& parser) {
  RETURN_IF_ERROR(Connect());
  http::request<http::string_body> message;
  message.method_string(request.method);
  message.target(request.target);
  message.set(http::field::host, server_.ToString());
  for (const HttpField& field : request.fields) message.set(field.name, field.value);
  message.body() = request.body;
  if (!request.body.empty()) message.content_length(request.body.size());
  stream_.expires_after(options_.silence_timeout);
  http::async_write(stream_, message, Done());
  if (const AsioError failed = Run()) return Describe(failed, "cannot send the request");
  return ReadHead(request, parser);
}

Status BeastHttpClient::ReadHead(const HttpClientRequest& request, std::optional<Parser>& parser) {
  do {
    parser.emplace();
    parser->header_limit(kHeadBytes);
    parser->body_limit(boost::none);
    if (request.method == "HEAD") parser->skip(true);
    stream_.expires_after(options_.silence_timeout);
    http::async_read_header(stream_, buffer_, *parser, Done());
    if (const AsioError failed = Run()) return Describe(failed, "no answer");
    // 100 and 102 come before the answer.
  } while (parser->get().result_int() < 200);
  return OkStatus();
}

Status BeastHttpClient::ReadBody(Parser& parser, const BodyCallback& on_body, std::string& body) {
  std::array<char, 16 * 1024> piece;
  while (!parser.is_done()) {
    parser.get().body().data = piece.data();
    parser.get().body().size = piece.size();
    stream_.expires_after(options_.silence_timeout);
    http::async_read_some(stream_, buffer_, parser, Done());
    const AsioError error = Run();
    const std::string_view text(piece.data(), piece.size() - parser.get().body().size);
    if (on_body != nullptr) {
      if (!text.empty() && !on_body(text)) return Cancelled("the caller stopped reading");
    } else if (body.size() + text.size() > options_.body_bytes) {
      return ResourceExhausted("the answer is longer than " + std::to_string(options_.body_bytes) +
                               " bytes");
    } else {
      body.append(text);
    }
    if (error == beast::error::timeout) return DeadlineExceeded("the server fell silent");
    if (IsInterruption(error)) return Cancelled("interrupted inside the answer");
    if (error && error != http::error::need_buffer) {
      return DataLoss("the connection broke inside the answer: " + error.message());
    }
  }
  return OkStatus();
}

StatusOr<HttpResponse> BeastHttpClient::Do(const HttpClientRequest& request,
                                           const BodyCallback& on_body) {
  try {
    return DoOrThrow(request, on_body);
  } catch (const std::exception& error) {
    // Beast throws for what it cannot send, as an empty method or a field of 64 KiB.
    Close();
    return InvalidArgument(std::string("wanted a request that can be sent: ") + error.what());
  }
}

StatusOr<HttpResponse> BeastHttpClient::DoOrThrow(const HttpClientRequest& request,
                                                  const BodyCallback& on_body) {
  const bool was_connected = connected_;
  std::optional<Parser> parser;
  Status status = Exchange(request, parser);
  // A kept connection may have been closed by the server while we did not look.
  if (was_connected && status.code() == StatusCode::kUnavailable) {
    Close();
    status = Exchange(request, parser);
  }
  HttpResponse response;
  if (status.ok()) status = ReadBody(*parser, on_body, response.body);
  if (!status.ok()) {
    Close();
    return status;
  }
  response.status = static_cast<int>(parser->get().result_int());
  for (const auto& field : parser->get()) {
    const auto name = field.name_string();
    const auto value = field.value();
    response.fields.push_back({ToLowerHttp(std::string_view(name.data(), name.size())),
                               std::string(value.data(), value.size())});
  }
  if (!parser->get().keep_alive()) Close();
  return response;
}

}  // namespace

std::unique_ptr<HttpClient> HttpClient::Make(const HostPort& server, HttpClientOptions options) {
  return std::make_unique<BeastHttpClient>(server, options);
}

}  // namespace windrose
