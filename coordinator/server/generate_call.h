// GenerateCall: one Generate stream, between the engine that makes events and gRPC that writes
// them.
//
// Shared by the engine (as the sink), the registry and itself: it keeps itself alive until gRPC
// says OnDone. Thread-safe: the engine's thread pushes, gRPC's threads write one event at a time.
// The engine is never held up: events wait in a queue that max_tokens bounds. Invariants: one write
// is under way at most; the first end counts, be it the engine's or an abort, and what the engine
// says later is dropped.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/mutex.h"
#include "common/base/time.h"
#include "coordinator/server/call_registry.h"
#include "coordinator/server/inference_observer.h"
#include "coordinator/server/served_model.h"
#include "coordinator/server/text_thread.h"
#include "coordinator/text/tokenizer.h"
#include "coordinator/values/generator.h"
#include "coordinator/values/request.h"
#include "windrose/inference/v1/inference.pb.h"

namespace windrose {

// What every call works with. What is referred to outlives the engine; `registry` and `texts` the
// calls.
struct CallEnvironment {
  const ServedModel& model;
  const Tokenizer& tokenizer;
  Generator& generator;
  const Clock& clock;
  InferenceObserver& observer;
  CallRegistry& registry;
  TextThread& texts;
  Duration time_limit;      // of one call, whatever its own deadline is
  uint32_t retry_after_ms;  // told to clients that are turned away
};

class GenerateCall final : public grpc::ServerWriteReactor<inference::v1::GenerateEvent>,
                           public TokenSink,
                           public OpenCall,
                           public std::enable_shared_from_this<GenerateCall> {
 public:
  // `context` is gRPC's and lives until OnDone.
  GenerateCall(std::shared_ptr<const CallEnvironment> environment,
               grpc::CallbackServerContext* context, TimePoint began)
      : environment_(std::move(environment)), context_(context), began_(began) {}

  // Refuses the call, or says that it is taken; then makes the request with `translate`, which
  // reads `request_bytes`, and hands it to the engine, or ends the stream with its error. Once,
  // before anything else. `translate` is called before OnDone, or never.
  void Start(size_t request_bytes, std::function<StatusOr<Request>()> translate);

  // TokenSink; the engine's thread.
  void OnStarted(std::vector<TokenEvent> echoed_prompt) override;
  void OnToken(TokenEvent event) override;
  void OnFinished(windrose::Finish finish) override;
  void OnError(const Status& status) override;

  // Ends the stream with `reason` as soon as the write under way is done, and cancels in the
  // engine.
  void Abort(const Status& reason) override;

  // ServerWriteReactor; gRPC's threads.
  void OnSendInitialMetadataDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  enum class Action { kNothing, kWrite, kFinish };

  Status Take();
  void TranslateAndSubmit();
  Status Submit(StatusOr<Request> request);
  void KeepTicket(uint64_t ticket);
  void StartTimer();
  void BreakStalledWrite();
  bool Hold();
  void Release();
  void Push(inference::v1::GenerateEvent event);
  void End(const Status& status);
  Action NextAction() WINDROSE_REQUIRES(mutex_);
  void Perform(Action action);

  const std::shared_ptr<const CallEnvironment> environment_;
  grpc::CallbackServerContext* const context_;
  const TimePoint began_;
  size_t request_bytes_ = 0;
  std::function<StatusOr<Request>()> translate_;
  uint32_t prompt_tokens_ = 0;          // set before the engine knows of us
  uint32_t max_tokens_ = 0;             // likewise
  std::shared_ptr<GenerateCall> self_;  // until OnDone
  grpc::Alarm timer_;
  inference::v1::GenerateEvent writing_event_;  // gRPC's while `writing_`

  Mutex mutex_;
  std::deque<inference::v1::GenerateEvent> events_ WINDROSE_GUARDED_BY(mutex_);
  std::optional<uint64_t> ticket_ WINDROSE_GUARDED_BY(mutex_);
  std::optional<Status> end_ WINDROSE_GUARDED_BY(mutex_);  // told once all events are written
  bool aborted_ WINDROSE_GUARDED_BY(mutex_) = false;
  bool writing_ WINDROSE_GUARDED_BY(mutex_) = false;
  // How many use what is gRPC's, the context or the request: do not finish.
  uint32_t holds_ WINDROSE_GUARDED_BY(mutex_) = 0;
  bool finished_ WINDROSE_GUARDED_BY(mutex_) = false;
};

}  // namespace windrose
