#include "cli/bench/stream_recorder.h"

#include <utility>

#include "cli/bench/completion_chunk.h"

namespace windrose::cli {

void StreamRecorder::OnEvent(std::string_view data, TimePoint now) {
  const StatusOr<CompletionChunk> chunk = ParseCompletionChunk(data);
  if (!chunk.ok()) {
    if (broken_.ok()) broken_ = chunk.status();
    return;
  }
  if (chunk->has_text) OnPiece(now);
  // An answer of invisible tokens alone still has its moment.
  if (chunk->finished && !record_.first_piece) record_.first_piece = record_.last_piece = now;
  if (chunk->usage) {
    record_.prompt_tokens = chunk->usage->prompt_tokens;
    record_.generated_tokens = chunk->usage->completion_tokens;
    record_.is_counted = true;
  }
  done_ = done_ || chunk->done;
}

void StreamRecorder::OnPiece(TimePoint now) {
  ++pieces_;
  if (record_.first_piece) {
    record_.gaps.push_back(now - record_.last_piece);
  } else {
    record_.first_piece = now;
  }
  record_.last_piece = now;
}

// The stream's own words say more than the broken connection that follows them.
Status StreamRecorder::Verdict(const Status& status) const {
  RETURN_IF_ERROR(broken_);
  RETURN_IF_ERROR(status);
  return done_ ? OkStatus() : DataLoss("the answer broke off");
}

StreamRecord StreamRecorder::Finish(const Status& status, TimePoint now) {
  const Status verdict = Verdict(status);
  record_.outcome = verdict.ok()                               ? Outcome::kOk
                    : verdict.code() == StatusCode::kCancelled ? Outcome::kStopped
                                                               : Outcome::kFailed;
  if (record_.outcome == Outcome::kFailed) record_.error = Message(verdict);
  record_.end = now;
  if (!record_.is_counted) {
    record_.generated_tokens = pieces_;
    record_.prompt_tokens = record_.first_piece ? prompt_tokens_ : 0;
  }
  return std::move(record_);
}

}  // namespace windrose::cli
