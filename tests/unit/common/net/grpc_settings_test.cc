#include "common/net/grpc_settings.h"

#include <grpcpp/support/channel_arguments.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace windrose {
namespace {

TEST(GrpcSettings, KnowsLoopbackAddresses) {
  for (const std::string host :
       {"127.0.0.1", "127.255.0.3", "::1", "[::1]", "localhost", "LOCALHOST"}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
  }
  for (const std::string host :
       {"0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example.org", "127.example.org", "127.0.0",
        "127.0.0.256", "127.0.0.1.1", "127.0..1", "127.", "", "localhost.org", "128.0.0.1"}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

TEST(GrpcSettings, RefusesClearTextBeyondLoopbackUnlessAllowed) {
  EXPECT_TRUE(CheckInsecureListener("expert listener", "127.0.0.1", false).ok());
  EXPECT_TRUE(CheckInsecureListener("expert listener", "0.0.0.0", true).ok());
  const Status refused = CheckInsecureListener("expert listener", "0.0.0.0", false);
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(Message(refused).find("expert listener"), std::string::npos);
  EXPECT_NE(Message(refused).find("--insecure-internal"), std::string::npos);
}

TEST(GrpcSettings, SetsTheArgumentsThatGrpcLeavesAtMinutes) {
  const grpc::ChannelArguments arguments = GrpcChannelArguments(GrpcSettings());
  std::map<std::string, int> values;
  const grpc_channel_args raw = arguments.c_channel_args();
  for (size_t i = 0; i < raw.num_args; ++i) {
    if (raw.args[i].type == GRPC_ARG_INTEGER) values[raw.args[i].key] = raw.args[i].value.integer;
  }
  EXPECT_EQ(values.at(GRPC_ARG_KEEPALIVE_TIME_MS), 2000);
  EXPECT_EQ(values.at(GRPC_ARG_KEEPALIVE_TIMEOUT_MS), 1000);
  EXPECT_EQ(values.at(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS), 500);
  EXPECT_EQ(values.at(GRPC_ARG_ENABLE_RETRIES), 0);
  EXPECT_EQ(values.at(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL), 1);
  EXPECT_EQ(values.at(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH), 64 * 1024 * 1024);
  EXPECT_EQ(values.at(GRPC_ARG_MAX_METADATA_SIZE), 16 * 1024);
}

}  // namespace
}  // namespace windrose
