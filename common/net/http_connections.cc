#include "common/net/http_connections.h"

#include "common/base/hex.h"
#include "common/net/http_connection.h"

namespace windrose {

std::string HttpConnections::NewRequestId() {
  uint64_t bits = 0;
  {
    MutexLock lock(mutex_);
    bits = entropy_.Next();
  }
  return "req-" + HexDigits(bits, 16);
}

bool HttpConnections::Admit(const std::string& address) {
  MutexLock lock(mutex_);
  if (admitted_ >= limits_.connections) return false;
  size_t& of_address = by_address_[address];
  if (of_address >= limits_.connections_per_address) return false;
  ++of_address;
  ++admitted_;
  return true;
}

void HttpConnections::Release(const std::string& address) {
  MutexLock lock(mutex_);
  --admitted_;
  const auto found = by_address_.find(address);
  if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
  if (admitted_ == 0) emptied_.NotifyAll();
}

void HttpConnections::Add(const std::shared_ptr<HttpConnection>& connection) {
  MutexLock lock(mutex_);
  open_.emplace(connection.get(), connection);
}

void HttpConnections::Remove(const HttpConnection* connection, const std::string& address) {
  std::shared_ptr<HttpConnection> removed;
  {
    MutexLock lock(mutex_);
    const auto found = open_.find(connection);
    if (found == open_.end()) return;
    removed = std::move(found->second);
    open_.erase(found);
  }
  Release(address);
}

std::vector<std::shared_ptr<HttpConnection>> HttpConnections::Open() const {
  std::vector<std::shared_ptr<HttpConnection>> connections;
  MutexLock lock(mutex_);
  for (const auto& [key, connection] : open_) connections.push_back(connection);
  return connections;
}

size_t HttpConnections::WaitUntilEmpty(TimePoint deadline) {
  MutexLock lock(mutex_);
  while (admitted_ > 0) {
    if (!emptied_.WaitUntil(mutex_, deadline)) break;
  }
  return admitted_;
}

size_t HttpConnections::open_count() const {
  MutexLock lock(mutex_);
  return admitted_;
}

}  // namespace windrose
