#include "tests/integration/expert_link/test_coordinator.h"

#include <algorithm>
#include <numeric>

namespace windrose {

GrpcExpertTransportConfig TestCoordinator::Config() {
  const Checkpoint& checkpoint = TinyModel::Get().checkpoint();
  GrpcExpertTransportConfig config;
  config.coordinator_id = "test";
  config.model_hash = checkpoint.model_hash();
  config.reply_limits.max_rows = 64;
  config.reply_limits.hidden = checkpoint.config().hidden;
  config.reply_limits.model_hash = checkpoint.model_hash_prefix();
  config.silence_limit = Seconds(60);  // These workers send no heartbeats.
  return config;
}

TestCoordinator::TestCoordinator(const GrpcExpertTransportConfig& config)
    : transport_(std::make_unique<GrpcExpertTransport>(config, loop_, entropy_, log_, &pool_)) {
  transport_->SetListener(this);
}

bool TestCoordinator::Await(const std::function<bool()>& done, Duration patience) {
  return loop_.RunUntil(done, loop_.Now() + patience);
}

bool TestCoordinator::AwaitUp(WorkerId worker, Duration patience) {
  return Await([&] { return up.contains(worker); }, patience);
}

bool TestCoordinator::AwaitDown(WorkerId worker, Duration patience) {
  return Await([&] { return !up.contains(worker); }, patience);
}

bool TestCoordinator::AwaitReplies(size_t count, Duration patience) {
  return Await([&] { return replies.size() >= count; }, patience);
}

void TestCoordinator::Call(uint64_t id, LayerIndex layer, ExpertId expert,
                           const std::vector<float>& rows, wire::RowType type) {
  OutgoingCall outgoing = MakeCall(WorkerId(0), id, layer, expert, rows);
  wire::CallFrame& call = outgoing.call;
  call.header.type = type;
  std::vector<std::byte> bytes;
  wire::AppendRows(rows, call.header.hidden, call.row_index, type, bytes);
  call.rows = bytes;
  transport_->Send(WorkerId(0), call);
}

OutgoingCall TestCoordinator::MakeCall(WorkerId worker, uint64_t id, LayerIndex layer,
                                       ExpertId expert, const std::vector<float>& rows) {
  const uint32_t hidden = TinyModel::Get().config().hidden;
  const auto count = static_cast<uint32_t>(rows.size() / hidden);
  OutgoingCall outgoing{.worker = worker, .call = {}, .row_bytes = {}};
  wire::CallFrame& call = outgoing.call;
  call.header.model_hash = TinyModel::Get().checkpoint().model_hash_prefix();
  call.header.dispatch_id = DispatchId(id);
  call.header.layer = layer;
  call.header.hidden = hidden;
  call.budget = Seconds(60);
  call.segments = {{.expert = expert, .first = 0, .count = count}};
  call.row_index.resize(count);
  std::iota(call.row_index.begin(), call.row_index.end(), 0U);
  call.row_count = count;
  wire::AppendRows(rows, hidden, call.row_index, call.header.type, outgoing.row_bytes);
  call.rows = outgoing.row_bytes;
  return outgoing;
}

void TestCoordinator::OnWorkerUp(WorkerId worker, const WorkerDescription& description) {
  up[worker] = description;
  ups.push_back(worker);
}

void TestCoordinator::OnWorkerDown(WorkerId worker, const Status& why) {
  up.erase(worker);
  downs.emplace_back(worker, why);
}

void TestCoordinator::OnWorkerDraining(WorkerId worker) { draining.push_back(worker); }

void TestCoordinator::OnReply(WorkerId worker, const wire::ReplyFrame& reply) {
  RecordedReply recorded = {worker, reply.header, reply.segments, {}};
  recorded.values.resize(size_t{reply.row_count} * reply.header.hidden);
  for (uint32_t row = 0; row < reply.row_count; ++row) {
    wire::ReadRow(
        reply.rows, reply.header.type, row,
        std::span(recorded.values).subspan(size_t{row} * reply.header.hidden, reply.header.hidden));
  }
  replies.push_back(std::move(recorded));
  if (on_reply) on_reply();
}

void TestCoordinator::OnBadReply(WorkerId, const Status& why) { bad_replies.push_back(why); }

std::vector<float> TestRows(uint64_t seed, size_t rows) {
  std::vector<float> values(rows * TinyModel::Get().config().hidden);
  for (size_t index = 0; index < values.size(); ++index) {
    values[index] = static_cast<float>(UniformAt(seed, index) - 0.5);
  }
  return values;
}

std::vector<float> DirectOutputs(LayerIndex layer, ExpertId expert,
                                 const std::vector<float>& rows) {
  const TinyModel& model = TinyModel::Get();
  ThreadPool pool(1);
  GroupedFfn ffn(model.config(), model.Experts({expert.value()}), 1, pool);
  std::vector<float> outputs(rows.size());
  ffn.Run({layer}, expert, rows, outputs);
  return outputs;
}

}  // namespace windrose
