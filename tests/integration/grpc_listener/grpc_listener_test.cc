#include "common/net/grpc_listener.h"

#include <arpa/inet.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace windrose {
namespace {

class CountingLog final : public Log {
 public:
  void Write(LogLevel, std::string_view event, std::initializer_list<LogField>) override {
    if (event == "grpc_connections_refused") ++refused;
  }
  std::atomic<int> refused{0};
};

// A server behind a listener; its service refuses every call, which is an answer.
class TestServer {
 public:
  explicit TestServer(const HostPort& address = {"127.0.0.1", 0}) {
    grpc::ServerBuilder builder;
    ApplyGrpcServerSettings(GrpcSettings(), builder);
    auto opened = GrpcListener::Open(address, GrpcSettings(), builder, log);
    status = opened.status();
    if (!opened.ok()) return;
    listener = *std::move(opened);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
    listener->Start();
  }
  ~TestServer() {
    if (server_ == nullptr) return;
    listener->Close();
    server_->Shutdown(std::chrono::system_clock::now());
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  // Over a new connection to `host`.
  bool Answers(const std::string& host = "127.0.0.1") const {
    const auto channel =
        MakeGrpcChannel(HostPort{host, listener->port()}.ToString(), GrpcSettings());
    return channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(5));
  }

  CountingLog log;
  Status status;
  std::unique_ptr<GrpcListener> listener;

 private:
  grpc::CallbackGenericService service_;
  std::unique_ptr<grpc::Server> server_;
};

// A connection that says nothing; -1 when it is refused.
int Connect(uint16_t port) {
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return client;
  }
  close(client);
  return -1;
}

// While it lives, the process may have only so many descriptors more than it has.
class FewDescriptors {
 public:
  explicit FewDescriptors(int more) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = dup(0);
    close(next);
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(next + more);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_ = {};
};

TEST(GrpcListener, AcceptsAgainOnceThereAreDescriptors) {
  const TestServer server;
  ASSERT_TRUE(server.Answers());
  int client = -1;
  {
    // The client's own socket takes the last one: the server has none to accept it with.
    const FewDescriptors few(1);
    client = Connect(server.listener->port());
    ASSERT_GE(client, 0);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (server.log.refused == 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    EXPECT_EQ(server.log.refused, 1);
  }
  EXPECT_TRUE(server.Answers());
  close(client);
}

TEST(GrpcListener, LeavesTheLastQuarterOfTheDescriptorsAlone) {
  std::vector<int> held;
  while (held.size() < 150) held.push_back(dup(0));
  const FewDescriptors few(40);
  const TestServer server;
  ASSERT_TRUE(server.status.ok()) << server.status;
  const int client = Connect(server.listener->port());
  ASSERT_GE(client, 0);
  char byte = 0;
  EXPECT_EQ(recv(client, &byte, 1, 0), 0);
  EXPECT_EQ(server.log.refused, 1);
  close(client);
  for (const int descriptor : held) close(descriptor);
}

TEST(GrpcListener, ListensOnAllAddressesOfAName) {
  const TestServer server({"localhost", 0});
  ASSERT_TRUE(server.status.ok()) << server.status;
  EXPECT_TRUE(server.Answers());
}

TEST(GrpcListener, TakesAnyAddressForThoseOfBothKinds) {
  const TestServer server({"0.0.0.0", 0});
  ASSERT_TRUE(server.status.ok()) << server.status;
  EXPECT_TRUE(server.Answers());
  if (TestServer({"::1", 0}).status.ok()) {
    EXPECT_TRUE(server.Answers("::1"));
  }
}

TEST(GrpcListener, SaysWhyItCannotListen) {
  const TestServer first;
  const TestServer second({"127.0.0.1", first.listener->port()});
  EXPECT_EQ(second.status.code(), StatusCode::kUnavailable);
  EXPECT_NE(Message(second.status).find("Address already in use"), std::string::npos)
      << second.status;
  EXPECT_FALSE(TestServer({"no-such-host.invalid", 1}).status.ok());
}

TEST(GrpcListener, IsGoneOnceClosed) {
  const TestServer server;
  server.listener->Close();
  EXPECT_EQ(Connect(server.listener->port()), -1);
}

}  // namespace
}  // namespace windrose
