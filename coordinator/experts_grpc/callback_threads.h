// CallbackThreads: keeps gRPC's callback threads running while no connection needs them.
//
// When the last user of gRPC's callback queue goes away while a new one comes, gRPC 1.51 may abort
// the process. A transport whose workers are all gone for a moment is in just that place, so it
// holds this: a server without ports, which nobody can reach. Thread-compatible.
#pragma once

#include <memory>

namespace windrose {

class CallbackThreads {
 public:
  CallbackThreads();
  ~CallbackThreads();
  CallbackThreads(const CallbackThreads&) = delete;
  CallbackThreads& operator=(const CallbackThreads&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace windrose
