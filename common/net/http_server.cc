#include "common/net/http_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "common/base/descriptors.h"
#include "common/net/asio.h"
#include "common/net/http_connection.h"
#include "common/net/http_connections.h"
#include "common/net/http_head.h"

namespace windrose {
namespace {

constexpr Duration kAcceptPause = Milliseconds(50);
const HttpRefusal kBusy = {503, "too_many_connections", "too many connections are open"};

// Never more than half of the descriptors this process may have.
HttpLimits BoundedByDescriptors(HttpLimits limits, Log& log) {
  const uint64_t descriptors = DescriptorLimit();
  if (limits.connections <= descriptors / 2) return limits;
  log.Warn(
      "http_connections_bounded",
      {{"wanted", limits.connections}, {"allowed", descriptors / 2}, {"descriptors", descriptors}});
  limits.connections = descriptors / 2;
  return limits;
}

class BeastHttpServer final : public HttpServer {
 public:
  BeastHttpServer(const HttpServerOptions& options, HttpHandler handler, Log& log, Entropy& entropy)
      : log_(log),
        all_(std::make_shared<HttpConnections>(BoundedByDescriptors(options.limits, log),
                                               std::move(handler), entropy)),
        accept_strand_(asio::make_strand(all_->io())),
        acceptor_(accept_strand_),
        pause_(accept_strand_),
        work_(asio::make_work_guard(all_->io())) {}
  ~BeastHttpServer() override {
    Stop(Duration::zero());
    if (reserve_fd_ >= 0) close(reserve_fd_);
  }
  BeastHttpServer(const BeastHttpServer&) = delete;
  BeastHttpServer& operator=(const BeastHttpServer&) = delete;

  Status Listen(const HttpServerOptions& options);

  uint16_t port() const override { return port_; }
  HttpServerStats stats() const override;
  void BeginDrain() override;
  size_t Stop(Duration patience) override;

 private:
  void Accept();
  void OnAccept(const AsioError& error, Tcp::socket socket);
  void ShedOne();

  Log& log_;
  const std::shared_ptr<HttpConnections> all_;
  asio::strand<asio::io_context::executor_type> accept_strand_;
  Tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  std::vector<std::thread> threads_;
  uint16_t port_ = 0;
  int reserve_fd_ = -1;  // given up to shed a connection when no descriptor is left
};

Status BeastHttpServer::Listen(const HttpServerOptions& options) {
  const std::string where = options.address + ":" + std::to_string(options.port);
  AsioError error;
  const asio::ip::address address = asio::ip::make_address(options.address, error);
  if (error) return InvalidArgument("wanted an IP address to listen on, got " + options.address);
  const Tcp::endpoint endpoint(address, options.port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (!error) port_ = acceptor_.local_endpoint(error).port();
  if (error) return Unavailable("cannot listen on " + where + ": " + error.message());
  reserve_fd_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
  asio::post(accept_strand_, [this] { Accept(); });
  for (size_t i = 0; i < std::max<size_t>(options.threads, 1); ++i) {
    threads_.emplace_back([all = all_] { all->io().run(); });
  }
  return OkStatus();
}

void BeastHttpServer::Accept() {
  if (!acceptor_.is_open()) return;
  acceptor_.async_accept(
      asio::make_strand(all_->io()),
      [this](const AsioError& error, Tcp::socket socket) { OnAccept(error, std::move(socket)); });
}

void BeastHttpServer::OnAccept(const AsioError& error, Tcp::socket socket) {
  if (!acceptor_.is_open()) return;
  if (error == asio::error::no_descriptors || error == asio::error::no_buffer_space ||
      error == asio::error::no_memory || error.value() == ENFILE) {
    all_->counts().refused.fetch_add(1, std::memory_order_relaxed);
    ShedOne();
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](const AsioError& cancelled) {
      if (!cancelled) Accept();
    });
    return;
  }
  AsioError peer_error;
  const Tcp::endpoint peer = error ? Tcp::endpoint() : socket.remote_endpoint(peer_error);
  if (!error && !peer_error) {
    const std::string address = peer.address().to_string();
    if (all_->Admit(address)) {
      all_->counts().accepted.fetch_add(1, std::memory_order_relaxed);
      auto connection = std::make_shared<HttpConnection>(all_, std::move(socket), peer);
      all_->Add(connection);
      connection->Start();
    } else {
      all_->counts().refused.fetch_add(1, std::memory_order_relaxed);
      AsioError ignored;
      socket.non_blocking(true, ignored);
      const std::string answer =
          FormatHttpRefusal(kBusy, {all_->NewRequestId(), all_->clock().UnixSeconds()});
      socket.write_some(asio::buffer(answer), ignored);
    }
  }
  Accept();
}

// Out of descriptors, a waiting connection would make accept fail at once for ever: give up the
// reserve, take the connection, close it, take the reserve back.
void BeastHttpServer::ShedOne() {
  if (reserve_fd_ >= 0) close(reserve_fd_);
  const int shed =
      accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (shed >= 0) close(shed);
  reserve_fd_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
  log_.Warn("http_out_of_descriptors", {{"port", port_}});
}

HttpServerStats BeastHttpServer::stats() const {
  const HttpConnections::Counts& counts = all_->counts();
  HttpServerStats stats;
  stats.connections_accepted = counts.accepted.load(std::memory_order_relaxed);
  stats.connections_refused = counts.refused.load(std::memory_order_relaxed);
  stats.connections_open = all_->open_count();
  stats.requests = counts.requests.load(std::memory_order_relaxed);
  stats.requests_refused = counts.requests_refused.load(std::memory_order_relaxed);
  stats.streams_cut = counts.streams_cut.load(std::memory_order_relaxed);
  return stats;
}

void BeastHttpServer::BeginDrain() {
  if (all_->draining().exchange(true)) return;
  asio::post(accept_strand_, [this] {
    AsioError ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    // After the acceptor: none is added behind our back.
    for (const auto& connection : all_->Open()) connection->Drain();
  });
}

size_t BeastHttpServer::Stop(Duration patience) {
  if (threads_.empty()) return 0;
  BeginDrain();
  const size_t left = all_->WaitUntilEmpty(all_->clock().Now() + patience);
  asio::post(accept_strand_, [this] {
    for (const auto& connection : all_->Open()) connection->Abort();
  });
  work_.reset();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return left;
}

}  // namespace

StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options,
                                                        HttpHandler handler, Log& log,
                                                        Entropy& entropy) {
  auto server = std::make_unique<BeastHttpServer>(options, std::move(handler), log, entropy);
  RETURN_IF_ERROR(server->Listen(options));
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace windrose
