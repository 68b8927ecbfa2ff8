#include "tests/integration/expert_link/running_worker.h"

#include "common/base/check.h"
#include "tests/support/tiny_mixtral.h"

namespace windrose {
namespace {

std::vector<ExpertId> Ids(const std::vector<uint32_t>& experts) {
  std::vector<ExpertId> ids;
  for (const uint32_t expert : experts) ids.push_back(ExpertId(expert));
  return ids;
}

}  // namespace

const TinyModel& TinyModel::Get() {
  static const TinyModel model;
  return model;
}

TinyModel::TinyModel() {
  CHECK(WriteTinyMixtral(directory_.path(), TinyMixtralConfig()).ok());
  StatusOr<Checkpoint> opened = Checkpoint::Open(directory_.path());
  CHECK(opened.ok());
  checkpoint_.emplace(*std::move(opened));
}

ExpertWeights TinyModel::Experts(const std::vector<uint32_t>& experts) const {
  StatusOr<ExpertWeights> weights = checkpoint_->Experts(Ids(experts));
  CHECK(weights.ok());
  return *std::move(weights);
}

RunningWorker::RunningWorker(const RunningWorkerOptions& options)
    : ffn_(TinyModel::Get().config(), TinyModel::Get().Experts(options.experts), 16, pool_),
      computer_(ffn_, 16, nullptr),
      executor_(WorkQueueLimits{.max_calls = options.max_queued_calls}, computer_, clock_,
                nullptr) {
  const Checkpoint& checkpoint = TinyModel::Get().checkpoint();
  ExpertServerSettings settings;
  settings.listen.port = options.port;
  settings.incarnation = options.incarnation;
  settings.max_rows = options.max_rows;
  settings.max_links = options.max_links;
  settings.max_unsent_bytes = options.max_unsent_bytes;
  HostedModel model = {.model_hash = checkpoint.model_hash(),
                       .model_hash_prefix = checkpoint.model_hash_prefix(),
                       .layer_count = checkpoint.config().layers,
                       .expert_count = checkpoint.config().experts,
                       .hidden = checkpoint.config().hidden,
                       .experts = Ids(options.experts)};
  auto started =
      ExpertServer::Start(settings, std::move(model), {executor_, clock_, log_, nullptr});
  CHECK(started.ok());
  server_ = *std::move(started);
  if (options.compute) StartComputing();
  server_->SetState(WorkerState::kReady);
}

void RunningWorker::StartComputing() {
  executing_ = std::thread([this] { executor_.Run(*server_); });
}

bool RunningWorker::AwaitWaiting(uint32_t rows) const {
  const TimePoint deadline = clock_.Now() + Seconds(10);
  while (executor_.waiting_rows() != rows) {
    if (clock_.Now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

void RunningWorker::Drain() {
  executor_.Drain();
  if (executing_.joinable()) executing_.join();
  server_->Stop(Seconds(5));
}

void RunningWorker::Kill() {
  if (server_ == nullptr) return;
  executor_.Stop();
  if (executing_.joinable()) executing_.join();
  server_.reset();
}

}  // namespace windrose
