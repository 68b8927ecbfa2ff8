// ScriptedGenerator: a Generator that does what a test says, when it says so. Thread-safe.
//
// Requests are kept; the test plays the engine's part by calling their sinks from its own thread.
// The event "request number i is here" can be waited for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/values/generator.h"

namespace windrose {

class ScriptedGenerator final : public Generator {
 public:
  struct Submission {
    Request request;
    std::shared_ptr<TokenSink> sink;
  };

  Status Submit(Request request, std::shared_ptr<TokenSink> sink, uint64_t* ticket) override {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!refusal_.ok()) return refusal_;
    *ticket = submissions_.size();
    submissions_.push_back({std::move(request), std::move(sink)});
    changed_.notify_all();
    return OkStatus();
  }

  Status Admits() const override {
    std::lock_guard<std::mutex> lock(mutex_);
    return refusal_;
  }

  // As the engine: the sink gets its end, once.
  void Cancel(uint64_t ticket) override {
    std::shared_ptr<TokenSink> sink;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (!cancelled_.insert(ticket).second) return;
      sink = submissions_.at(ticket).sink;
      changed_.notify_all();
    }
    sink->OnError(Cancelled("cancelled"));
  }

  std::string NotReadyReason() const override {
    std::lock_guard<std::mutex> lock(mutex_);
    return refusal_.ok() ? "" : Message(refusal_);
  }

  void RefuseWith(const Status& refusal) {
    std::lock_guard<std::mutex> lock(mutex_);
    refusal_ = refusal;
  }

  // The submission `index`, once it is here; null after five seconds.
  std::shared_ptr<TokenSink> WaitForSink(size_t index) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto here = [&] { return submissions_.size() > index; };
    if (!changed_.wait_for(lock, std::chrono::seconds(5), here)) return nullptr;
    return submissions_[index].sink;
  }

  bool WaitForCancel(uint64_t ticket) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(5),
                             [&] { return cancelled_.count(ticket) > 0; });
  }

  Request request(size_t index) const {
    std::lock_guard<std::mutex> lock(mutex_);
    return submissions_.at(index).request;
  }

  size_t submission_count() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return submissions_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Submission> submissions_;
  std::set<uint64_t> cancelled_;
  Status refusal_;
};

}  // namespace windrose
