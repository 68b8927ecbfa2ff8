// StreamRecorder: turns the events of one streamed answer, with their times, into a record.
//
// A piece is an event with text. It is one token, but for characters that take several tokens:
// those come in one piece. Exact counts of tokens are what the server says at the end.
// Thread-compatible.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/base/time.h"

namespace windrose::cli {

enum class Outcome {
  kOk,      // whole, as HTTP and the stream's last event say
  kFailed,  // refused or broken
  kStopped  // cut by us
};

struct StreamRecord {
  Outcome outcome = Outcome::kFailed;
  std::string error;  // of a failure
  TimePoint begin;    // the request was about to be sent
  TimePoint end;
  std::optional<TimePoint> first_piece;
  TimePoint last_piece;
  std::vector<Duration> gaps;     // between one piece and the next
  uint64_t prompt_tokens = 0;     // 0 until the first piece shows that they were computed
  uint64_t generated_tokens = 0;  // as the server counted; pieces when it did not say
  bool is_counted = false;        // by the server
};

class StreamRecorder {
 public:
  StreamRecorder(uint32_t prompt_tokens, TimePoint begin) : prompt_tokens_(prompt_tokens) {
    record_.begin = begin;
  }

  void OnEvent(std::string_view data, TimePoint now);
  uint32_t pieces() const { return pieces_; }

  // `status` is how the exchange ended for HTTP; CANCELLED means that we cut it.
  StreamRecord Finish(const Status& status, TimePoint now);

 private:
  void OnPiece(TimePoint now);
  Status Verdict(const Status& status) const;

  const uint32_t prompt_tokens_;
  StreamRecord record_;
  uint32_t pieces_ = 0;
  bool done_ = false;
  Status broken_;  // what the stream itself said
};

}  // namespace windrose::cli
