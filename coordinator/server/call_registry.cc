#include "coordinator/server/call_registry.h"

#include <string>

namespace windrose {

Status CallRegistry::Add(const std::shared_ptr<OpenCall>& call) {
  MutexLock lock(mutex_);
  if (draining_) return Unavailable("draining: this coordinator takes no new requests");
  if (calls_.size() >= capacity_) {
    return ResourceExhausted(std::to_string(capacity_) + " calls are open already");
  }
  calls_.insert(call);
  return OkStatus();
}

void CallRegistry::Remove(const std::shared_ptr<OpenCall>& call) {
  bool empty = false;
  {
    MutexLock lock(mutex_);
    calls_.erase(call);
    empty = calls_.empty();
  }
  if (empty) emptied_.NotifyAll();
}

void CallRegistry::BeginDrain() {
  MutexLock lock(mutex_);
  draining_ = true;
}

bool CallRegistry::draining() const {
  MutexLock lock(mutex_);
  return draining_;
}

bool CallRegistry::WaitUntilEmpty(TimePoint deadline) {
  MutexLock lock(mutex_);
  while (!calls_.empty()) {
    if (!emptied_.WaitUntil(mutex_, deadline)) return calls_.empty();
  }
  return true;
}

size_t CallRegistry::AbortAll(const Status& reason) {
  std::set<std::shared_ptr<OpenCall>> open;
  {
    MutexLock lock(mutex_);
    open = calls_;
  }
  for (const std::shared_ptr<OpenCall>& call : open) call->Abort(reason);
  return open.size();
}

}  // namespace windrose
