#include <thread>
#include <utility>

#include "common/base/mutex.h"
#include "common/net/address.h"

namespace windrose {
namespace {

// A list: everything was said in Start.
class FixedAddressSource final : public AddressSource {};

class DnsAddressSource final : public AddressSource {
 public:
  DnsAddressSource(HostPort name, Options options, Callback callback, Log& log)
      : name_(std::move(name)),
        options_(std::move(options)),
        callback_(std::move(callback)),
        log_(log),
        thread_([this] { Run(); }) {}
  ~DnsAddressSource() override {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
    }
    stop_.NotifyAll();
    thread_.join();
  }
  DnsAddressSource(const DnsAddressSource&) = delete;
  DnsAddressSource& operator=(const DnsAddressSource&) = delete;

 private:
  void Run() {
    do {
      ResolveOnce();
    } while (!WaitForStop());
  }

  void ResolveOnce() {
    StatusOr<std::vector<std::string>> resolved = options_.resolver(name_);
    const bool failed = !resolved.ok() || resolved->empty();
    if (failed && !failing_) {
      log_.Warn("address_resolution_failed",
                {{"name", name_.ToString()},
                 {"error", resolved.ok() ? "no address" : Message(resolved.status())}});
    } else if (!failed && failing_) {
      log_.Info("address_resolution_recovered", {{"name", name_.ToString()}});
    }
    failing_ = failed;
    if (const auto changed = tracker_.Update(std::move(resolved))) callback_(*changed);
  }

  // Until the next time to resolve; true when it is time to stop.
  bool WaitForStop() {
    const SystemClock clock;
    const TimePoint deadline = clock.Now() + options_.refresh_period;
    MutexLock lock(mutex_);
    while (!stopping_) {
      if (!stop_.WaitUntil(mutex_, deadline)) break;
    }
    return stopping_;
  }

  const HostPort name_;
  const Options options_;
  const Callback callback_;
  Log& log_;
  AddressTracker tracker_;  // this thread's, as failing_
  bool failing_ = false;
  Mutex mutex_;
  CondVar stop_;
  bool stopping_ WINDROSE_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: uses the rest
};

}  // namespace

StatusOr<std::unique_ptr<AddressSource>> AddressSource::Start(const std::string& spec,
                                                              Options options, Callback callback,
                                                              Log& log) {
  ASSIGN_OR_RETURN(const AddressSpec parsed, ParseAddressSpec(spec));
  if (parsed.is_dns) {
    return std::unique_ptr<AddressSource>(std::make_unique<DnsAddressSource>(
        parsed.addresses.front(), std::move(options), std::move(callback), log));
  }
  // In the order of the list, which people chose: no sorting here.
  std::vector<std::string> addresses;
  for (const HostPort& address : parsed.addresses) addresses.push_back(address.ToString());
  callback(addresses);
  return std::unique_ptr<AddressSource>(std::make_unique<FixedAddressSource>());
}

}  // namespace windrose
