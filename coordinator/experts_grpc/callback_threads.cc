#include "coordinator/experts_grpc/callback_threads.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

namespace windrose {

struct CallbackThreads::Impl {
  grpc::CallbackGenericService service;
  std::unique_ptr<grpc::Server> server;
};

CallbackThreads::CallbackThreads() : impl_(std::make_unique<Impl>()) {
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(&impl_->service);
  impl_->server = builder.BuildAndStart();
}

CallbackThreads::~CallbackThreads() {
  if (impl_->server != nullptr) impl_->server->Shutdown();
}

}  // namespace windrose
