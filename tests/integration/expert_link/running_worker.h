// A whole expert worker inside the test's process: tiny Mixtral, executor thread, gRPC on loopback.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/base/log.h"
#include "common/base/thread_pool.h"
#include "common/base/time.h"
#include "common/model/checkpoint.h"
#include "expert-worker/exec/executor.h"
#include "expert-worker/ffn/grouped_ffn.h"
#include "expert-worker/server/expert_server.h"
#include "tests/support/temporary_directory.h"

namespace windrose {

// A tiny Mixtral on disk, opened. Made once for all tests.
class TinyModel {
 public:
  static const TinyModel& Get();
  const Checkpoint& checkpoint() const { return *checkpoint_; }
  const MixtralConfig& config() const { return checkpoint_->config(); }
  ExpertWeights Experts(const std::vector<uint32_t>& experts) const;

 private:
  TinyModel();
  TemporaryDirectory directory_;
  std::optional<Checkpoint> checkpoint_;
};

struct RunningWorkerOptions {
  std::vector<uint32_t> experts = {0, 1, 2, 3, 4, 5, 6, 7};
  uint16_t port = 0;
  uint64_t incarnation = 1;
  uint32_t max_queued_calls = 256;
  uint32_t max_rows = 64;
  uint32_t max_links = 256;
  uint64_t max_unsent_bytes = 256ULL << 20;
  bool compute = true;  // false: calls stay in the queue until StartComputing
};

class RunningWorker {
 public:
  explicit RunningWorker(const RunningWorkerOptions& options);
  ~RunningWorker() { Kill(); }

  uint16_t port() const { return server_->port(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port()); }
  ExpertServer& server() { return *server_; }

  void StartComputing();
  // Waits until so many rows were accepted and not yet computed; false when they do not come.
  bool AwaitWaiting(uint32_t rows) const;
  // Finishes what was accepted, as SIGTERM does.
  void Drain();
  // Ends at once, with calls in flight.
  void Kill();

 private:
  SystemClock clock_;
  NullLog log_;
  ThreadPool pool_{1};
  GroupedFfn ffn_;
  BatchComputer computer_;
  Executor executor_;
  std::unique_ptr<ExpertServer> server_;
  std::thread executing_;
};

}  // namespace windrose
