#include "expert-worker/server/status_stream.h"

#include <utility>

namespace windrose {

void StatusStream::Send(const expert::v1::WorkerStatus& status) {
  Step step = Step::kNothing;
  {
    MutexLock lock(mutex_);
    if (ending_) return;
    unsent_ = status;
    step = NextStep();
  }
  Do(step);
}

void StatusStream::End(const grpc::Status& status) {
  Step step = Step::kNothing;
  {
    MutexLock lock(mutex_);
    if (!ending_) final_status_ = status;
    ending_ = true;
    step = NextStep();
  }
  Do(step);
}

void StatusStream::OnWriteDone(bool ok) {
  Step step = Step::kNothing;
  {
    MutexLock lock(mutex_);
    write_under_way_ = false;
    if (!ok) ending_ = true;
    step = NextStep();
  }
  Do(step);
}

// May destroy this stream.
void StatusStream::OnDone() {
  const std::function<void()> on_done = on_done_;
  on_done();
}

StatusStream::Step StatusStream::NextStep() {
  if (write_under_way_ || finished_) return Step::kNothing;
  if (unsent_.has_value() && !ending_) {
    write_under_way_ = true;
    writing_ = *std::exchange(unsent_, std::nullopt);
    return Step::kWrite;
  }
  if (!ending_) return Step::kNothing;
  finished_ = true;
  return Step::kFinish;
}

void StatusStream::Do(Step step) {
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
