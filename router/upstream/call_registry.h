// CallRegistry: the gRPC calls that are open, so that they can be cancelled together and waited
// for. A call's removal is posted by its last callback. Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace windrose::router {

class CallRegistry {
 public:
  // The id is for Remove. `cancel` may be called at any time until then.
  uint64_t Add(std::function<void()> cancel) {
    calls_.emplace(++last_id_, std::move(cancel));
    return last_id_;
  }
  void Remove(uint64_t call_id) { calls_.erase(call_id); }
  void CancelAll() const {
    for (const auto& [call_id, cancel] : calls_) cancel();
  }
  bool empty() const { return calls_.empty(); }

 private:
  uint64_t last_id_ = 0;
  std::map<uint64_t, std::function<void()>> calls_;
};

}  // namespace windrose::router
