#include "bench/engine/local_experts.h"

#include <memory>
#include <utility>
#include <vector>

#include "common/base/check.h"

namespace windrose::bench {
namespace {

constexpr uint32_t kTileRows = 256;

}  // namespace

LocalExperts::LocalExperts(const Checkpoint& checkpoint, ExpertWeights weights, ThreadPool& pool,
                           EventLoop& loop)
    : limits_{.hidden = checkpoint.config().hidden, .model_hash = checkpoint.model_hash_prefix()},
      expert_count_(checkpoint.config().experts),
      loop_(loop),
      ffn_(checkpoint.config(), std::move(weights), kTileRows, pool),
      computer_(ffn_, kTileRows, nullptr) {}

void LocalExperts::SetListener(ExpertTransportListener* listener) {
  listener_ = listener;
  WorkerDescription description{
      .address = "here", .incarnation = 1, .experts = {}, .max_rows = 4096};
  for (uint32_t expert = 0; expert < expert_count_; ++expert) {
    description.experts.emplace_back(expert);
  }
  loop_.Post([this, description] { listener_->OnWorkerUp(WorkerId(0), description); });
}

void LocalExperts::Send(WorkerId worker, const wire::CallFrame& call) {
  const auto bytes = std::make_shared<const std::vector<std::byte>>(wire::Encode(call));
  StatusOr<wire::CallFrame> frame = wire::DecodeCall(*bytes, limits_);
  CHECK(frame.ok());
  const std::vector<AcceptedCall> calls = {{.caller = {},
                                            .frame = *std::move(frame),
                                            .bytes = bytes,
                                            .arrived = loop_.Now(),
                                            .deadline = TimePoint::max()}};
  std::vector<ComputedReply> replies = computer_.Compute(calls);
  CHECK(replies.size() == 1);
  const auto reply = std::make_shared<std::vector<std::byte>>(wire::Encode(replies[0].frame));
  loop_.Post([this, worker, reply] {
    const StatusOr<wire::ReplyFrame> decoded = wire::DecodeReply(*reply, limits_);
    CHECK(decoded.ok());
    listener_->OnReply(worker, *decoded);
  });
}

void LocalExperts::Reset(WorkerId, const Status& why) {
  CHECK(why.ok());  // a worker in the same thread is never too late
}

}  // namespace windrose::bench
