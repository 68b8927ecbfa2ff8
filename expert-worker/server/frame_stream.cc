#include "expert-worker/server/frame_stream.h"

#include <utility>

#include "common/wire/grpc_bytes.h"

namespace windrose {

void FrameStream::Open() {
  StartSendInitialMetadata();
  StartRead(&received_);
}

void FrameStream::Send(std::vector<std::byte> frame) {
  Step step = Step::kNothing;
  {
    MutexLock lock(mutex_);
    if (ending_) return;
    const bool alone = unsent_bytes_ == 0;
    unsent_bytes_ += frame.size();
    unsent_.push_back(wire::ToByteBuffer(std::move(frame)));
    if (unsent_bytes_ > max_unsent_bytes_ && !alone) {
      EndLocked(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "replies are not being read"),
                true);
    }
    step = NextStep();
  }
  Do(step);
}

void FrameStream::End(const grpc::Status& status) {
  Step step = Step::kNothing;
  {
    MutexLock lock(mutex_);
    EndLocked(status, false);
    step = NextStep();
  }
  Do(step);
}

void FrameStream::OnReadDone(bool ok) {
  if (!ok) return End(grpc::Status::OK);  // The peer writes no more.
  host_.OnMessage(*this, received_);
  {
    MutexLock lock(mutex_);
    if (ending_) return;
  }
  // Safe even if the stream is ended by now: gRPC waits for this reaction before OnDone.
  received_.Clear();
  StartRead(&received_);
}

void FrameStream::OnWriteDone(bool ok) {
  Step step = Step::kNothing;
  {
    MutexLock lock(mutex_);
    write_under_way_ = false;
    unsent_bytes_ -= writing_.Length();
    writing_.Clear();
    if (!ok) EndLocked(grpc::Status(grpc::StatusCode::UNAVAILABLE, "write failed"), true);
    step = NextStep();
  }
  Do(step);
}

void FrameStream::OnCancel() {
  Step step = Step::kNothing;
  {
    MutexLock lock(mutex_);
    EndLocked(grpc::Status::CANCELLED, true);
    step = NextStep();
  }
  Do(step);
}

void FrameStream::OnDone() { host_.OnStreamDone(caller_); }

void FrameStream::EndLocked(const grpc::Status& status, bool drop_unsent) {
  if (!ending_) final_status_ = status;
  ending_ = true;
  if (!drop_unsent) return;
  for (const grpc::ByteBuffer& buffer : unsent_) unsent_bytes_ -= buffer.Length();
  unsent_.clear();
}

// One write at a time; the end comes after the last write, so a write never meets an ended stream.
FrameStream::Step FrameStream::NextStep() {
  if (write_under_way_ || finished_) return Step::kNothing;
  if (!unsent_.empty()) {
    write_under_way_ = true;
    writing_ = unsent_.front();  // shares the bytes
    unsent_.pop_front();
    return Step::kWrite;
  }
  if (!ending_) return Step::kNothing;
  finished_ = true;
  return Step::kFinish;
}

void FrameStream::Do(Step step) {
  if (step == Step::kWrite) StartWrite(&writing_);
  if (step != Step::kFinish) return;
  grpc::Status status;
  {
    MutexLock lock(mutex_);
    status = final_status_;
  }
  Finish(status);
}

}  // namespace windrose
