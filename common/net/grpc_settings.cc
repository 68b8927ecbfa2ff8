#include "common/net/grpc_settings.h"

#include <grpc/compression.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <charconv>

#include "common/net/http_characters.h"

namespace windrose {
namespace {

int ToMilliseconds(Duration duration) {
  const auto count = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  return static_cast<int>(std::clamp<int64_t>(count, 1, INT32_MAX));
}

int ToInt(size_t value) { return static_cast<int>(std::min<size_t>(value, INT32_MAX)); }

// A server without ports, which nobody can reach.
struct IdleServer {
  IdleServer() {
    grpc::ServerBuilder builder;
    builder.RegisterCallbackGenericService(&service);
    server = builder.BuildAndStart();
  }
  grpc::CallbackGenericService service;
  std::unique_ptr<grpc::Server> server;
};

// gRPC 1.51 may abort the process when the last user of its callback threads goes away: while a
// new one comes, as where all workers are gone for a moment, or soon after they began, as where a
// port is in use. So one stays until the process has ended.
void KeepCallbackThreads() {
  [[maybe_unused]] static const auto* const kServer = std::make_unique<IdleServer>().release();
}

}  // namespace

grpc::ChannelArguments GrpcChannelArguments(const GrpcSettings& settings) {
  KeepCallbackThreads();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, ToMilliseconds(settings.keepalive_time));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ToMilliseconds(settings.keepalive_timeout));
  // Expert links are silent for long between requests: ping then too, and as often as we say.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
                   ToMilliseconds(settings.reconnect_backoff_min));
  // The least time a connect attempt gets, not a pause: below it a slow handshake never completes.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
                   ToMilliseconds(settings.reconnect_backoff_max));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                   ToMilliseconds(settings.reconnect_backoff_max));
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, ToInt(settings.metadata_bytes));
  arguments.SetMaxReceiveMessageSize(ToInt(settings.message_bytes));
  arguments.SetMaxSendMessageSize(ToInt(settings.message_bytes));
  arguments.SetCompressionAlgorithm(GRPC_COMPRESS_NONE);
  arguments.SetInt(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1);
  return arguments;
}

std::shared_ptr<grpc::Channel> MakeGrpcChannel(const std::string& address,
                                               const GrpcSettings& settings) {
  return grpc::CreateCustomChannel(address, MakeGrpcChannelCredentials(),
                                   GrpcChannelArguments(settings));
}

void ApplyGrpcServerSettings(const GrpcSettings& settings, grpc::ServerBuilder& builder) {
  KeepCallbackThreads();
  builder.SetMaxReceiveMessageSize(ToInt(settings.message_bytes));
  builder.SetMaxSendMessageSize(ToInt(settings.message_bytes));
  builder.SetDefaultCompressionAlgorithm(GRPC_COMPRESS_NONE);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, ToMilliseconds(settings.keepalive_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             ToMilliseconds(settings.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Half of the clients' interval, so that a ping that comes early is not a strike: two strikes
  // would close a healthy link with "too_many_pings".
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             ToMilliseconds(settings.keepalive_time / 2));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, settings.concurrent_streams);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, ToInt(settings.metadata_bytes));
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             ToMilliseconds(settings.handshake_timeout));
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
  // Two processes on one port would share its connections without anybody noticing.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

std::shared_ptr<grpc::ChannelCredentials> MakeGrpcChannelCredentials() {
  return grpc::InsecureChannelCredentials();
}

std::shared_ptr<grpc::ServerCredentials> MakeGrpcServerCredentials() {
  return grpc::InsecureServerCredentials();
}

bool IsLoopback(std::string_view host) {
  if (EqualsIgnoreCase(host, "localhost") || host == "::1" || host == "[::1]") return true;
  if (host.substr(0, 4) != "127.") return false;
  // 127.a.b.c, each a number up to 255: "127.example.org" is not loopback.
  host.remove_prefix(4);
  for (int part = 0; part < 3; ++part) {
    const size_t end = part < 2 ? host.find('.') : host.size();
    if (end == std::string_view::npos || end == 0 || end > 3) return false;
    uint32_t value = 0;
    const auto [stop, error] = std::from_chars(host.data(), host.data() + end, value);
    if (error != std::errc() || stop != host.data() + end || value > 255) return false;
    host.remove_prefix(std::min(end + 1, host.size()));
  }
  return host.empty();
}

Status CheckInsecureListener(const std::string& what, std::string_view host, bool allow_insecure) {
  if (allow_insecure || IsLoopback(host)) return OkStatus();
  return FailedPrecondition(what + " would speak clear text on " + std::string(host) +
                            ": wanted a loopback address, or --insecure-internal");
}

}  // namespace windrose
