// Addresses: "host:port" as text and as a value, lists of them, and where lists come from.
//
//   spec  = list | "dns:///" host ":" port
//   list  = host ":" port *( "," host ":" port )          host may be "[v6]"
//
// Values and pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/time.h"

namespace windrose {

struct HostPort {
  std::string host;  // without brackets
  uint16_t port = 0;
  // "host:port", "[v6]:port".
  std::string ToString() const;
  bool operator==(const HostPort&) const = default;
};

// Port 1-65535; a host of letters, digits, '.', '-', '_' or a bracketed IPv6 address.
StatusOr<HostPort> ParseHostPort(std::string_view text);

// The same, with an IP address as its host: what an HTTP server can listen on.
StatusOr<HostPort> ParseListenAddress(std::string_view text);

struct AddressSpec {
  bool is_dns = false;
  std::vector<HostPort> addresses;  // the list; with is_dns the one name to resolve
};

// At least one address, none twice, at most 1024.
StatusOr<AddressSpec> ParseAddressSpec(std::string_view text);

// "ip:port" for each address of `name`, in any order.
using AddressResolver = std::function<StatusOr<std::vector<std::string>>(const HostPort& name)>;

// getaddrinfo. Blocks.
StatusOr<std::vector<std::string>> ResolveWithSystem(const HostPort& name);

// Decides what to report after each resolution. Thread-compatible, pure.
class AddressTracker {
 public:
  // The sorted list when it differs from the last one; nullopt when it is the same, when resolution
  // failed, or when it came back empty: the last good addresses are kept.
  std::optional<std::vector<std::string>> Update(StatusOr<std::vector<std::string>> resolved);

 private:
  std::vector<std::string> current_;
};

// Tells who the peers are: once for a list, again and again for a name. Owns a thread for a name.
class AddressSource {
 public:
  // Called with the whole list each time it changes: for a list once, inside Start; for a name on
  // the source's thread.
  using Callback = std::function<void(const std::vector<std::string>& addresses)>;

  struct Options {
    Duration refresh_period = Seconds(5);  // for a name
    AddressResolver resolver = ResolveWithSystem;
  };

  // `log` must outlive the source.
  static StatusOr<std::unique_ptr<AddressSource>> Start(const std::string& spec, Options options,
                                                        Callback callback, Log& log);
  // Joins; a resolution that is under way is waited for. No callback after it.
  virtual ~AddressSource() = default;
};

}  // namespace windrose
