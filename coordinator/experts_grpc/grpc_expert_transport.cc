#include "coordinator/experts_grpc/grpc_expert_transport.h"

#include <algorithm>

#include "common/base/check.h"
#include "coordinator/experts_grpc/worker_link.h"

namespace windrose {

GrpcExpertTransport::GrpcExpertTransport(const GrpcExpertTransportConfig& config, EventLoop& loop,
                                         Entropy& entropy, Log& log, ThreadPool* pool)
    : environment_(std::make_unique<WorkerLinkEnvironment>(config, loop, entropy, log)),
      pool_(pool) {}

GrpcExpertTransport::~GrpcExpertTransport() {
  links_.clear();
  environment_->count.WaitForNone();
}

void GrpcExpertTransport::SetListener(ExpertTransportListener* listener) {
  environment_->listener = listener;
}

void GrpcExpertTransport::SetAddresses(const std::vector<std::string>& addresses) {
  CHECK(environment_->listener != nullptr);
  for (const std::unique_ptr<WorkerLink>& link : links_) {
    const bool wanted =
        std::find(addresses.begin(), addresses.end(), link->address()) != addresses.end();
    if (wanted) {
      link->Reopen();
    } else {
      link->Close();
    }
  }
  for (const std::string& address : addresses) {
    const bool known = std::any_of(
        links_.begin(), links_.end(),
        [&](const std::unique_ptr<WorkerLink>& link) { return link->address() == address; });
    if (known) continue;
    const WorkerId worker(static_cast<uint32_t>(links_.size()));
    links_.push_back(std::make_unique<WorkerLink>(worker, address, *environment_));
  }
}

void GrpcExpertTransport::Send(WorkerId worker, const wire::CallFrame& call) {
  CHECK(worker.value() < links_.size());
  links_[worker.value()]->Send(call);
}

void GrpcExpertTransport::SendAll(std::span<const OutgoingCall> calls) {
  if (pool_ == nullptr) return ExpertTransport::SendAll(calls);
  pool_->ParallelFor(calls.size(), 1, [&](size_t begin, size_t end) {
    ExpertTransport::SendAll(calls.subspan(begin, end - begin));
  });
}

void GrpcExpertTransport::Reset(WorkerId worker, const Status& why) {
  CHECK(worker.value() < links_.size());
  links_[worker.value()]->Reset(why);
}

}  // namespace windrose
