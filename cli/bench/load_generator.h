// LoadGenerator: sends the requests of a level, a fixed number at a time, and records each of them.
//
//   thread 0      asks the observer ten times a second whether to go on
//   thread 1 … n  one stream each: takes the next request, reads its answer to the end, takes the
//                 next one
//
// A stream ends as soon as its even share of the requests has failed: what a limit of the server
// refuses at once does not use up the requests of streams that are served.
//
// A level ends when its requests are used up, when its time is over and the answers that had begun
// are whole, or when the observer says stop: then all answers are cut at once. Owns the
// connections. Thread-compatible; Run blocks.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "cli/bench/level_summary.h"
#include "cli/bench/load_plan.h"
#include "cli/bench/progress_line.h"
#include "common/base/time.h"
#include "common/net/http_client.h"

namespace windrose::cli {

// Makes a client of the cluster, for one thread.
using ClientFactory = std::function<std::unique_ptr<HttpClient>()>;

class LoadObserver {
 public:
  virtual ~LoadObserver() = default;
  // Called from one thread at a time, not always the same. False stops the level. Must not wait.
  virtual bool OnProgress(const LoadProgress& progress) = 0;
};

struct LoadOptions {
  LoadShape shape;
  std::vector<HttpField> fields;  // of each request
  std::optional<Duration> limit;  // of each level: no request begins behind it
  Duration tick = Milliseconds(100);
};

class LoadGenerator {
 public:
  // `clock` must outlive the generator.
  LoadGenerator(LoadOptions options, ClientFactory make_client, const Clock& clock)
      : options_(std::move(options)), make_client_(std::move(make_client)), clock_(clock) {}

  LevelRun Run(const Level& level, LoadObserver& observer);

 private:
  class Round;

  const LoadOptions options_;
  const ClientFactory make_client_;
  const Clock& clock_;
};

}  // namespace windrose::cli
