#include "coordinator/server/error_detail.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/utf8.h"
#include "google/rpc/status.pb.h"
#include "windrose/inference/v1/inference.pb.h"

namespace windrose {
namespace {

google::rpc::Status DetailsOf(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.details_size(), 1);
  return details;
}

inference::v1::ErrorDetail DetailOf(const Status& status, uint32_t retry_after_ms = 0) {
  inference::v1::ErrorDetail detail;
  EXPECT_TRUE(DetailsOf(ToGrpcStatus(status, retry_after_ms)).details(0).UnpackTo(&detail));
  return detail;
}

TEST(ErrorDetail, LeavesAnOkStatusAlone) {
  EXPECT_TRUE(ToGrpcStatus(OkStatus(), 1000).ok());
  EXPECT_TRUE(ToGrpcStatus(OkStatus(), 1000).error_details().empty());
}

// Go's library makes INTERNAL of a call whose details say another code, Python's throws.
TEST(ErrorDetail, SaysCodeAndMessageInTheDetailsAsWell) {
  const google::rpc::Status details = DetailsOf(ToGrpcStatus(NotFound("no such model"), 0));
  EXPECT_EQ(details.code(), static_cast<int>(grpc::StatusCode::NOT_FOUND));
  EXPECT_EQ(details.message(), "no such model");
}

TEST(ErrorDetail, NamesTheFieldAtFault) {
  const Status status = FieldError("stop", "wanted less");
  EXPECT_EQ(ToGrpcStatus(status, 0).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ToGrpcStatus(status, 0).error_message(), "stop: wanted less");
  EXPECT_EQ(DetailOf(status).code(), "invalid_value");
  EXPECT_EQ(DetailOf(status).param(), "stop");
}

TEST(ErrorDetail, TellsWhenToTryAgainOnlyWhereThatHelps) {
  EXPECT_EQ(DetailOf(ResourceExhausted("full"), 750).code(), "server_overloaded");
  EXPECT_EQ(DetailOf(ResourceExhausted("full"), 750).retry_after_ms(), 750U);
  EXPECT_EQ(DetailOf(Unavailable("expert 3 has no worker"), 750).retry_after_ms(), 750U);
  EXPECT_EQ(DetailOf(FieldError("n", "x"), 750).retry_after_ms(), 0U);
}

TEST(ErrorDetail, TellsDrainingFromAMissingExpert) {
  EXPECT_EQ(DetailOf(Unavailable("draining: no new requests")).code(), "draining");
  EXPECT_EQ(DetailOf(Unavailable("expert_unavailable: 3")).code(), "expert_unavailable");
}

TEST(ErrorDetail, DerivesACodeForEveryKindOfError) {
  EXPECT_EQ(DetailOf(DeadlineExceeded("x")).code(), "timeout");
  EXPECT_EQ(DetailOf(Cancelled("x")).code(), "cancelled");
  EXPECT_EQ(DetailOf(NotFound("x")).code(), "not_found");
  EXPECT_EQ(DetailOf(InvalidArgument("x")).code(), "invalid_value");
  EXPECT_EQ(DetailOf(Internal("x")).code(), "internal_error");
}

TEST(ErrorDetail, CutsLongMessagesBecauseTrailersAreLimited) {
  const Status status = InvalidArgument(std::string(100000, 'x'));
  EXPECT_EQ(ToGrpcStatus(status, 0).error_message().size(), 1024U);
  std::string accents = "x";
  while (accents.size() < 2000) accents += "\xC3\xA9";
  EXPECT_TRUE(IsValidUtf8(ToGrpcStatus(InvalidArgument(accents), 0).error_message()));
}

}  // namespace
}  // namespace windrose
