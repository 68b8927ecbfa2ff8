#include "cli/bench/load_generator.h"

#include <atomic>
#include <utility>

#include "cli/bench/completion_call.h"
#include "common/base/mutex.h"
#include "common/base/thread_pool.h"

namespace windrose::cli {

// One level while it runs.
class LoadGenerator::Round {
 public:
  Round(const LoadGenerator& generator, const Level& level)
      : options_(generator.options_),
        clock_(generator.clock_),
        level_(level),
        begin_(generator.clock_.Now()),
        streams_running_(level.concurrency) {
    for (uint32_t stream = 0; stream < level.concurrency; ++stream) {
      clients_.push_back(generator.make_client_());
    }
  }

  // Returns when all streams have ended.
  void Watch(LoadObserver& observer);
  // Until there is nothing more to ask.
  void RunStream(uint32_t stream);
  LevelRun Take();

 private:
  std::optional<uint32_t> NextOrdinal();
  void Keep(StreamRecord record);
  void Stop();
  LoadProgress Progress() const WINDROSE_REQUIRES(mutex_);
  // False when all streams have ended.
  bool WaitOneTick(LoadProgress& progress);

  const LoadOptions& options_;
  const Clock& clock_;
  const Level level_;
  const TimePoint begin_;
  std::vector<std::unique_ptr<HttpClient>> clients_;  // by stream
  std::atomic<uint64_t> pieces_{0};
  std::atomic<bool> stopped_{false};

  Mutex mutex_;
  CondVar stream_ended_;
  uint32_t next_ WINDROSE_GUARDED_BY(mutex_) = 0;
  uint32_t streams_running_ WINDROSE_GUARDED_BY(mutex_);
  std::vector<StreamRecord> records_ WINDROSE_GUARDED_BY(mutex_);
};

std::optional<uint32_t> LoadGenerator::Round::NextOrdinal() {
  if (stopped_) return std::nullopt;
  if (options_.limit && clock_.Now() - begin_ >= *options_.limit) return std::nullopt;
  MutexLock lock(mutex_);
  if (next_ == level_.requests) return std::nullopt;
  return level_.first_ordinal + next_++;
}

void LoadGenerator::Round::Keep(StreamRecord record) {
  MutexLock lock(mutex_);
  records_.push_back(std::move(record));
}

void LoadGenerator::Round::RunStream(uint32_t stream) {
  const auto on_piece = [this] {
    pieces_.fetch_add(1, std::memory_order_relaxed);
    return !stopped_;
  };
  uint32_t failures_left = (level_.requests + level_.concurrency - 1) / level_.concurrency;
  while (failures_left > 0) {
    const std::optional<uint32_t> ordinal = NextOrdinal();
    if (!ordinal) break;
    const CompletionCall call{options_.fields, CompletionBody(options_.shape, *ordinal),
                              options_.shape.prompt_tokens};
    StreamRecord record = MeasureCompletion(*clients_[stream], clock_, call, on_piece);
    if (record.outcome == Outcome::kFailed) --failures_left;
    Keep(std::move(record));
  }
  MutexLock lock(mutex_);
  if (--streams_running_ == 0) stream_ended_.NotifyAll();
}

LoadProgress LoadGenerator::Round::Progress() const {
  LoadProgress progress;
  progress.level = level_;
  progress.finished = static_cast<uint32_t>(records_.size());
  progress.tokens = pieces_.load(std::memory_order_relaxed);
  progress.expected_tokens = uint64_t{level_.requests} * options_.shape.max_tokens;
  progress.elapsed = clock_.Now() - begin_;
  progress.limit = options_.limit;
  return progress;
}

bool LoadGenerator::Round::WaitOneTick(LoadProgress& progress) {
  const TimePoint deadline = clock_.Now() + options_.tick;
  MutexLock lock(mutex_);
  while (streams_running_ > 0 && stream_ended_.WaitUntil(mutex_, deadline)) {
  }
  progress = Progress();
  return streams_running_ > 0;
}

void LoadGenerator::Round::Watch(LoadObserver& observer) {
  LoadProgress progress;
  while (WaitOneTick(progress)) {
    if (!observer.OnProgress(progress) && !stopped_) Stop();
  }
}

void LoadGenerator::Round::Stop() {
  stopped_ = true;
  for (const auto& client : clients_) client->Interrupt();
}

LevelRun LoadGenerator::Round::Take() {
  MutexLock lock(mutex_);
  return {level_, begin_, std::move(records_)};
}

LevelRun LoadGenerator::Run(const Level& level, LoadObserver& observer) {
  Round round(*this, level);
  // As many threads as indices, and no index is shared: each stream has a thread of its own.
  ThreadPool threads(size_t{level.concurrency} + 1);
  threads.ParallelFor(threads.thread_count(), 1, [&](size_t index, size_t) {
    if (index == 0) {
      round.Watch(observer);
    } else {
      round.RunStream(static_cast<uint32_t>(index - 1));
    }
  });
  return round.Take();
}

}  // namespace windrose::cli
