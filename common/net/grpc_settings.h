// GrpcSettings: the channel and server arguments that every gRPC link of ours uses, and the one
// place where credentials are made.
//
// The defaults of gRPC are minutes (keepalive off, reconnect after up to 120 s, handshake 120 s);
// ours are set on purpose: a dead peer is noticed in three seconds even on a silent link, retries
// are off because replay is our own, compression is off because it would let a small frame become a
// large one. The first use of either keeps gRPC's threads until the process ends. Thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/base/time.h"

namespace grpc {
class Channel;
class ChannelArguments;
class ChannelCredentials;
class ServerBuilder;
class ServerCredentials;
}  // namespace grpc

namespace windrose {

struct GrpcSettings {
  Duration keepalive_time = Seconds(2);                // silence after which a peer is pinged
  Duration keepalive_timeout = Seconds(1);             // for the ping's answer
  Duration reconnect_backoff_min = Milliseconds(20);   //
  Duration reconnect_backoff_max = Milliseconds(500);  //
  Duration handshake_timeout = Seconds(5);             // of a server for a new connection
  size_t message_bytes = 64 * 1024 * 1024;             // received and sent
  size_t metadata_bytes = 16 * 1024;                   //
  int concurrent_streams = 1024;                       // of one connection, at a server
};

// Arguments for grpc::CreateCustomChannel. Each channel has its own connection.
grpc::ChannelArguments GrpcChannelArguments(const GrpcSettings& settings);

// A channel to "host:port" with our arguments and credentials. Connects lazily.
std::shared_ptr<grpc::Channel> MakeGrpcChannel(const std::string& address,
                                               const GrpcSettings& settings);

// Sets limits, keepalive and compression of a server. The caller adds ports and services.
void ApplyGrpcServerSettings(const GrpcSettings& settings, grpc::ServerBuilder& builder);

// The seam for mutual TLS; insecure for now, so CheckInsecureListener guards every listener.
std::shared_ptr<grpc::ChannelCredentials> MakeGrpcChannelCredentials();
std::shared_ptr<grpc::ServerCredentials> MakeGrpcServerCredentials();

// Whether `host` (no port) is 127.0.0.0/8, ::1 or "localhost".
bool IsLoopback(std::string_view host);

// An internal listener speaks clear text: fine on loopback, elsewhere only when the operator said
// so with a flag (`allow_insecure`). `what` names the listener in the message.
Status CheckInsecureListener(const std::string& what, std::string_view host, bool allow_insecure);

}  // namespace windrose
