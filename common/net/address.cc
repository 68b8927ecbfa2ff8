#include "common/net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

#include "common/net/http_characters.h"

namespace windrose {
namespace {

constexpr std::string_view kDnsScheme = "dns:///";
constexpr size_t kMostAddresses = 1024;
constexpr size_t kLongestHost = 253;
constexpr size_t kLongestQuote = 80;

// The beginning of `text` for a message.
std::string Quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char byte : text.substr(0, kLongestQuote)) {
    quoted += IsHttpControl(byte) ? '?' : byte;
  }
  return quoted + "\"";
}

Status BadAddress(std::string_view text) {
  return InvalidArgument("wanted host:port with a port of 1-65535, got " + Quote(text));
}

bool IsHostName(std::string_view host) {
  if (host.empty() || host.size() > kLongestHost) return false;
  return std::all_of(host.begin(), host.end(), [](char byte) {
    return IsHttpAlphanumeric(byte) || byte == '.' || byte == '-' || byte == '_';
  });
}

bool IsIpV6(std::string_view host) {
  if (host.find(':') == std::string_view::npos || host.size() > kLongestHost) return false;
  return std::all_of(host.begin(), host.end(),
                     [](char byte) { return HexValue(byte) >= 0 || byte == ':' || byte == '.'; });
}

std::optional<uint16_t> ParsePort(std::string_view text) {
  constexpr size_t kMostDigits = 5;
  uint32_t port = 0;
  if (text.empty() || text.size() > kMostDigits) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (port == 0 || port > UINT16_MAX) return std::nullopt;
  return static_cast<uint16_t>(port);
}

}  // namespace

std::string HostPort::ToString() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

StatusOr<HostPort> ParseHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return BadAddress(text);
  std::string_view host = text.substr(0, colon);
  const std::optional<uint16_t> port = ParsePort(text.substr(colon + 1));
  if (!port.has_value()) return BadAddress(text);
  const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  if (!(is_bracketed ? IsIpV6(host) : IsHostName(host))) return BadAddress(text);
  return HostPort{std::string(host), *port};
}

StatusOr<HostPort> ParseListenAddress(std::string_view text) {
  ASSIGN_OR_RETURN(HostPort address, ParseHostPort(text));
  std::array<std::byte, sizeof(in6_addr)> ignored;
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, address.host.c_str(), ignored.data()) == 1) return address;
  }
  return InvalidArgument("wanted an IP address and a port, as 127.0.0.1:8080, got " + Quote(text));
}

StatusOr<AddressSpec> ParseAddressSpec(std::string_view text) {
  AddressSpec spec;
  if (text.substr(0, kDnsScheme.size()) == kDnsScheme) {
    spec.is_dns = true;
    ASSIGN_OR_RETURN(HostPort name, ParseHostPort(text.substr(kDnsScheme.size())));
    spec.addresses.push_back(std::move(name));
    return spec;
  }
  while (true) {
    const size_t comma = text.find(',');
    ASSIGN_OR_RETURN(HostPort address, ParseHostPort(TrimHttpSpace(text.substr(0, comma))));
    if (std::find(spec.addresses.begin(), spec.addresses.end(), address) != spec.addresses.end()) {
      return InvalidArgument("wanted each address once, got " + address.ToString() + " twice");
    }
    spec.addresses.push_back(std::move(address));
    if (spec.addresses.size() > kMostAddresses) {
      return InvalidArgument("wanted at most " + std::to_string(kMostAddresses) + " addresses");
    }
    if (comma == std::string_view::npos) return spec;
    text.remove_prefix(comma + 1);
  }
}

StatusOr<std::vector<std::string>> ResolveWithSystem(const HostPort& name) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  const int error = getaddrinfo(name.host.c_str(), nullptr, &hints, &first);
  if (error != 0) {
    return Unavailable("cannot resolve " + name.host + ": " + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(first, freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> host = {};
    if (getnameinfo(entry->ai_addr, entry->ai_addrlen, host.data(), host.size(), nullptr, 0,
                    NI_NUMERICHOST) == 0) {
      addresses.push_back(HostPort{host.data(), name.port}.ToString());
    }
  }
  return addresses;
}

std::optional<std::vector<std::string>> AddressTracker::Update(
    StatusOr<std::vector<std::string>> resolved) {
  if (!resolved.ok() || resolved->empty()) return std::nullopt;
  std::vector<std::string> addresses = *std::move(resolved);
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  if (addresses.size() > kMostAddresses) addresses.resize(kMostAddresses);
  if (addresses == current_) return std::nullopt;
  current_ = addresses;
  return addresses;
}

}  // namespace windrose
