#include "common/net/grpc_listener.h"

#include <fcntl.h>
#include <grpcpp/server_builder.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <list>
#include <string>
#include <thread>
#include <utility>

#include "common/base/descriptors.h"
#include "common/net/asio.h"

namespace windrose {
namespace {

constexpr Duration kAcceptPause = Milliseconds(50);

using ConnectionType = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
using GrpcAcceptor = grpc::experimental::ExternalConnectionAcceptor;

// The kernel gives the lowest number that is free: whoever has this one or a higher one came when
// three quarters were in use.
int FirstSparedDescriptor() {
  const uint64_t limit = DescriptorLimit();
  return limit > INT_MAX ? INT_MAX : static_cast<int>(limit - limit / 4);
}

// One bound address. `pause` runs while nothing can be accepted.
struct Door {
  explicit Door(asio::io_context& io) : acceptor(io), pause(io) {}
  Tcp::acceptor acceptor;
  asio::steady_timer pause;
};

AsioError Bind(const Tcp::endpoint& endpoint, Tcp::acceptor& acceptor) {
  AsioError error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  const bool both = endpoint.address().is_v6() && endpoint.address().is_unspecified();
  if (!error && both) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error && acceptor.is_open()) {
    AsioError ignored;
    acceptor.close(ignored);
  }
  return error;
}

// A machine without IPv6 still has names with addresses of both kinds.
bool IsNotOfThisMachine(const AsioError& error) {
  return error == asio::error::address_family_not_supported || error.value() == EADDRNOTAVAIL;
}

class AsioGrpcListener final : public GrpcListener {
 public:
  AsioGrpcListener(const GrpcSettings& settings, std::unique_ptr<GrpcAcceptor> grpc, Log& log)
      : settings_(settings), grpc_(std::move(grpc)), log_(log), spared_(FirstSparedDescriptor()) {}
  ~AsioGrpcListener() override { Close(); }
  AsioGrpcListener(const AsioGrpcListener&) = delete;
  AsioGrpcListener& operator=(const AsioGrpcListener&) = delete;

  Status Listen(const HostPort& address);

  uint16_t port() const override { return port_; }
  void Start() override;
  void Close() override;

 private:
  AsioError OpenDoor(Tcp::endpoint endpoint);
  void Accept(Door& door);
  void OnAccept(Door& door, const AsioError& error, Tcp::socket socket);
  void Pause(Door& door);
  void Admit(Tcp::socket socket);
  void NoteFull(const std::string& why);

  const GrpcSettings settings_;
  const std::unique_ptr<GrpcAcceptor> grpc_;
  Log& log_;
  const int spared_;
  asio::io_context io_;
  std::list<Door> doors_;
  uint16_t port_ = 0;
  bool full_ = false;  // said once each time
  std::thread thread_;
};

Status AsioGrpcListener::Listen(const HostPort& address) {
  AsioError error;
  Tcp::resolver resolver(io_);
  const auto found =
      resolver.resolve(address.host, std::to_string(address.port),
                       Tcp::resolver::passive | Tcp::resolver::numeric_service, error);
  for (const auto& entry : found) {
    const AsioError refused = OpenDoor(entry.endpoint());
    if (refused && !error) error = refused;
    if (refused && !IsNotOfThisMachine(refused)) break;
    if (!doors_.empty()) error.clear();
  }
  if (!error && !doors_.empty()) return OkStatus();
  doors_.clear();
  return Unavailable("cannot listen on " + address.ToString() + ": " + error.message());
}

// All of a name's addresses get the same port. Any address means those of both kinds.
AsioError AsioGrpcListener::OpenDoor(Tcp::endpoint endpoint) {
  if (endpoint.port() == 0) endpoint.port(port_);
  Door& door = doors_.emplace_back(io_);
  AsioError error = asio::error::address_family_not_supported;
  if (endpoint.address().is_unspecified()) {
    error = Bind(Tcp::endpoint(Tcp::v6(), endpoint.port()), door.acceptor);
  }
  if (IsNotOfThisMachine(error)) error = Bind(endpoint, door.acceptor);
  if (error) {
    doors_.pop_back();
  } else {
    AsioError ignored;
    port_ = door.acceptor.local_endpoint(ignored).port();
  }
  return error;
}

void AsioGrpcListener::Start() {
  for (Door& door : doors_) Accept(door);
  thread_ = std::thread([this] { io_.run(); });
}

void AsioGrpcListener::Close() {
  asio::post(io_, [this] {
    AsioError ignored;
    for (Door& door : doors_) {
      door.acceptor.close(ignored);
      door.pause.cancel();
    }
  });
  if (thread_.joinable()) thread_.join();
}

void AsioGrpcListener::Accept(Door& door) {
  door.acceptor.async_accept([this, &door](const AsioError& error, Tcp::socket socket) {
    OnAccept(door, error, std::move(socket));
  });
}

void AsioGrpcListener::OnAccept(Door& door, const AsioError& error, Tcp::socket socket) {
  if (!door.acceptor.is_open()) return;
  if (error) {
    NoteFull(error.message());
    return Pause(door);
  }
  Admit(std::move(socket));
  Accept(door);
}

// Whoever waits to be accepted goes on waiting.
void AsioGrpcListener::Pause(Door& door) {
  door.pause.expires_after(kAcceptPause);
  door.pause.async_wait([this, &door](const AsioError&) {
    if (door.acceptor.is_open()) Accept(door);
  });
}

void AsioGrpcListener::Admit(Tcp::socket socket) {
  if (socket.native_handle() >= spared_) return NoteFull("few descriptors are left");
  full_ = false;
  AsioError error;
  socket.native_non_blocking(true, error);
  if (!error) socket.set_option(Tcp::no_delay(true), error);
  if (error) return;  // It is gone already.
  GrpcAcceptor::NewConnectionParameters connection;
  connection.fd = socket.release(error);
  if (error) return;
  // As gRPC's own listener sets it: what was sent is acknowledged as soon as a ping must be.
  const auto patience = static_cast<unsigned int>(
      std::chrono::ceil<std::chrono::milliseconds>(settings_.keepalive_timeout).count());
  setsockopt(connection.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
  fcntl(connection.fd, F_SETFD, FD_CLOEXEC);
  grpc_->HandleNewConnection(&connection);
}

void AsioGrpcListener::NoteFull(const std::string& why) {
  if (std::exchange(full_, true)) return;
  log_.Warn("grpc_connections_refused", {{"port", port_}, {"why", why}});
}

}  // namespace

StatusOr<std::unique_ptr<GrpcListener>> GrpcListener::Open(const HostPort& address,
                                                           const GrpcSettings& settings,
                                                           grpc::ServerBuilder& builder, Log& log) {
  auto acceptor = builder.experimental().AddExternalConnectionAcceptor(ConnectionType::FROM_FD,
                                                                       MakeGrpcServerCredentials());
  auto listener = std::make_unique<AsioGrpcListener>(settings, std::move(acceptor), log);
  RETURN_IF_ERROR(listener->Listen(address));
  return std::unique_ptr<GrpcListener>(std::move(listener));
}

}  // namespace windrose
