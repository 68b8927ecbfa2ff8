#include "router/upstream/grpc_client.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <utility>

#include "router/upstream/call_registry.h"
#include "router/upstream/generate_reactor.h"

namespace windrose::router {
namespace {

constexpr char kHealthMethod[] = "/grpc.health.v1.Health/Check";
// HealthCheckResponse{status: SERVING}: field 1, a varint of 1.
constexpr char kServing[] = {0x08, 0x01};
constexpr Duration kDrainLimit = Seconds(10);

void SetDeadline(grpc::ClientContext& context, Duration left) {
  context.set_deadline(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(left.count(), GPR_TIMESPAN)));
}

bool IsServing(const grpc::ByteBuffer& response) {
  std::vector<grpc::Slice> slices;
  if (!response.Dump(&slices).ok()) return false;
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(slice.begin(), slice.end());
  }
  return bytes == std::string_view(kServing, sizeof kServing);
}

class GrpcStream final : public UpstreamStream {
 public:
  // `reactor` may be gone unless an event is held.
  GrpcStream(std::shared_ptr<GenerateLink> link, GenerateReactor* reactor)
      : link_(std::move(link)), reactor_(reactor) {}

  ~GrpcStream() override {
    link_->listener = nullptr;
    link_->context.TryCancel();
    if (link_->held.has_value()) reactor_->DeliverHeld();
  }

  void SetPaused(bool paused) override {
    link_->paused = paused;
    if (paused || !link_->held.has_value()) return;
    // Posted: a listener is not called from within its own call.
    link_->loop.Post([link = link_, reactor = reactor_] {
      if (link->held.has_value()) reactor->DeliverHeld();
    });
  }

  bool Taken() const override { return link_->taken; }

 private:
  std::shared_ptr<GenerateLink> link_;
  GenerateReactor* reactor_;
};

// The state of one unary call; lives until its callback has run on the loop.
template <typename Request, typename Response>
struct UnaryCall {
  grpc::ClientContext context;
  Request request;
  Response response;
  uint64_t call_id = 0;
};

class GrpcClient final : public CoordinatorClient {
 public:
  GrpcClient(EventLoop& loop, CallRegistry& calls, std::shared_ptr<grpc::Channel> channel)
      : loop_(loop),
        calls_(calls),
        stub_(proto::InferenceService::NewStub(channel)),
        health_stub_(std::make_shared<grpc::GenericStub>(channel)) {}

  std::unique_ptr<UpstreamStream> Generate(const GenerateCall& call, TimePoint deadline,
                                           GenerationListener& listener) override {
    auto link = std::make_shared<GenerateLink>(loop_, calls_);
    link->listener = &listener;
    SetDeadline(link->context, deadline - loop_.Now());
    auto* const reactor = new GenerateReactor(link);  // deletes itself in OnDone
    reactor->Start(*stub_, call);
    return std::make_unique<GrpcStream>(std::move(link), reactor);
  }

  void Probe(TimePoint deadline, std::function<void(StatusOr<CoordinatorReport>)> done) override {
    auto call = Open<grpc::ByteBuffer, grpc::ByteBuffer>(deadline);
    const grpc::Slice empty;
    call->request = grpc::ByteBuffer(&empty, 1);
    const auto next = [this, deadline, call, alive = std::weak_ptr(health_stub_),
                       done = std::move(done)](const Status& status) {
      // A coordinator without a health service serves when it answers at all.
      const bool unknown = status.code() == StatusCode::kUnimplemented;
      if (!status.ok() && !unknown) return done(status);
      if (alive.lock() == nullptr) return done(Cancelled("the client is gone"));
      ListModels(deadline, unknown || IsServing(call->response), done);
    };
    health_stub_->UnaryCall(&call->context, kHealthMethod, grpc::StubOptions(), &call->request,
                            &call->response, Posted(call, next));
  }

  void Tokenize(const TokenizeCall& tokenize, TimePoint deadline,
                std::function<void(StatusOr<Tokenized>)> done) override {
    auto call = Open<proto::TokenizeRequest, proto::TokenizeResponse>(deadline);
    ToProto(tokenize, call->request);
    const auto next = [call, done = std::move(done)](const Status& status) {
      status.ok() ? done(FromProto(call->response)) : done(status);
    };
    stub_->async()->Tokenize(&call->context, &call->request, &call->response, Posted(call, next));
  }

  void Detokenize(const DetokenizeCall& detokenize, TimePoint deadline,
                  std::function<void(StatusOr<std::string>)> done) override {
    auto call = Open<proto::DetokenizeRequest, proto::DetokenizeResponse>(deadline);
    ToProto(detokenize, call->request);
    const auto next = [call, done = std::move(done)](const Status& status) {
      status.ok() ? done(call->response.text()) : done(status);
    };
    stub_->async()->Detokenize(&call->context, &call->request, &call->response, Posted(call, next));
  }

 private:
  template <typename Request, typename Response>
  std::shared_ptr<UnaryCall<Request, Response>> Open(TimePoint deadline) {
    auto call = std::make_shared<UnaryCall<Request, Response>>();
    SetDeadline(call->context, deadline - loop_.Now());
    call->call_id = calls_.Add([call] { call->context.TryCancel(); });
    return call;
  }

  // What gRPC calls at the end of `call`: `next` with the status, on the loop.
  template <typename Call, typename Next>
  std::function<void(grpc::Status)> Posted(const std::shared_ptr<Call>& call, const Next& next) {
    return [&loop = loop_, &calls = calls_, call, next](const grpc::Status& status) {
      loop.Post([&calls, call, next, status = FromGrpcStatus(status)] {
        calls.Remove(call->call_id);
        next(status);
      });
    };
  }

  void ListModels(TimePoint deadline, bool serving,
                  const std::function<void(StatusOr<CoordinatorReport>)>& done) {
    auto call = Open<proto::ListModelsRequest, proto::ListModelsResponse>(deadline);
    const auto next = [call, serving, done](const Status& status) {
      if (!status.ok()) return done(status);
      CoordinatorReport report{.serving = serving, .models = {}};
      for (const proto::Model& model : call->response.models()) {
        report.models.push_back(FromProto(model));
      }
      done(std::move(report));
    };
    stub_->async()->ListModels(&call->context, &call->request, &call->response, Posted(call, next));
  }

  EventLoop& loop_;
  CallRegistry& calls_;
  std::unique_ptr<proto::InferenceService::Stub> stub_;
  std::shared_ptr<grpc::GenericStub> health_stub_;
};

}  // namespace

GrpcTransport::GrpcTransport(EventLoop& loop, GrpcSettings settings)
    : loop_(loop), settings_(settings), calls_(std::make_unique<CallRegistry>()) {}

GrpcTransport::~GrpcTransport() {
  calls_->CancelAll();
  loop_.RunUntil([this] { return calls_->empty(); }, loop_.Now() + kDrainLimit);
}

std::unique_ptr<CoordinatorClient> GrpcTransport::MakeClient(const std::string& address) {
  return std::make_unique<GrpcClient>(loop_, *calls_, MakeGrpcChannel(address, settings_));
}

}  // namespace windrose::router
