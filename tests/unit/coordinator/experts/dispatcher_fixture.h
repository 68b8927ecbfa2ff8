// DispatcherTest: a dispatcher in virtual time, and a transport by which a test answers its calls.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "coordinator/experts/dispatcher.h"
#include "gtest/gtest.h"
#include "tests/support/manual_event_loop.h"

namespace windrose {

inline constexpr uint32_t kHidden = 4;
inline constexpr uint32_t kExperts = 4;
inline constexpr ExpertSize kExpert{.weights = 176'160'768, .weight_bytes = 99'090'432};

// A transport that remembers what was sent and lets the test answer.
class ScriptedTransport final : public ExpertTransport {
 public:
  struct Sent {
    WorkerId worker;
    wire::CallFrame call;
    std::vector<std::byte> rows;
  };

  void SetListener(ExpertTransportListener* listener) override { listener_ = listener; }
  void Send(WorkerId worker, const wire::CallFrame& call) override {
    sent.push_back({worker, call, {call.rows.begin(), call.rows.end()}});
    sent.back().call.rows = sent.back().rows;
    if (on_send) on_send(sent.back());
  }
  void Reset(WorkerId worker, const Status&) override {
    resets.push_back(worker);
    if (on_reset) on_reset(worker);
  }

  void Up(uint32_t worker, std::vector<uint32_t> experts, uint32_t max_rows = 4096) {
    WorkerDescription description{.address = "w", .incarnation = 1, .max_rows = max_rows};
    for (const uint32_t expert : experts) description.experts.emplace_back(expert);
    listener_->OnWorkerUp(WorkerId(worker), description);
  }

  // The expert e maps x to x + 10 * (e + 1): wrong experts and wrong rows show.
  void Answer(const Sent& sent_call, StatusCode code = StatusCode::kOk) {
    wire::ReplyFrame reply{.header = sent_call.call.header};
    std::vector<std::byte> bytes;
    for (const wire::Segment& segment : sent_call.call.segments) {
      wire::Segment answered = segment;
      answered.status = code;
      answered.first = reply.row_count;
      answered.count = code == StatusCode::kOk ? segment.count : 0;
      for (uint32_t index = 0; index < answered.count; ++index) {
        std::vector<float> row(kHidden);
        wire::ReadRow(sent_call.rows, wire::RowType::kF32,
                      sent_call.call.row_index[segment.first + index], row);
        for (float& value : row) value += 10.0F * static_cast<float>(segment.expert.value() + 1);
        const uint32_t zero = 0;
        wire::AppendRows(row, kHidden, std::span(&zero, 1), wire::RowType::kF32, bytes);
      }
      reply.row_count += answered.count;
      reply.segments.push_back(answered);
    }
    reply.rows = bytes;
    listener_->OnReply(sent_call.worker, reply);
  }

  ExpertTransportListener* listener() { return listener_; }

  std::vector<Sent> sent;
  std::vector<WorkerId> resets;
  std::function<void(const Sent&)> on_send;
  std::function<void(WorkerId)> on_reset;

 private:
  ExpertTransportListener* listener_ = nullptr;
};

class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() {
    DispatchLimits limits;
    limits.deadlines.initial = Milliseconds(100);
    limits.deadlines.floor = Milliseconds(100);
    limits.expert_wait = Seconds(2);
    limits.exchange_limit = Seconds(30);
    dispatcher_ = std::make_unique<Dispatcher>(DispatchShape{.expert_count = kExperts,
                                                             .hidden = kHidden,
                                                             .model_hash = 1,
                                                             .bf16_order = Bf16Order::kBlocks,
                                                             .expert = kExpert},
                                               limits, loop_, transport_, log_);
    for (size_t index = 0; index < rows_.size(); ++index) rows_[index] = static_cast<float>(index);
    gate_.top_k = 2;
    for (const uint32_t expert : {0U, 1U, 2U, 3U, 1U, 0U}) gate_.experts.emplace_back(expert);
    gate_.weights.assign(6, 0.5F);
  }

  // Answers each call after a millisecond, if `answer` wants to.
  void AnswerAll(std::function<bool(const ScriptedTransport::Sent&)> answer) {
    transport_.on_send = [this, answer](const ScriptedTransport::Sent& sent) {
      if (!answer(sent)) return;
      loop_.After(Milliseconds(1), [this, index = transport_.sent.size() - 1] {
        transport_.Answer(transport_.sent[index]);
      });
    };
  }

  // Answers each call after a millisecond: `code` says how.
  void AnswerWith(std::function<StatusCode(const ScriptedTransport::Sent&)> code) {
    transport_.on_send = [this, code](const auto&) {
      loop_.After(Milliseconds(1), [this, code, index = transport_.sent.size() - 1] {
        transport_.Answer(transport_.sent[index], code(transport_.sent[index]));
      });
    };
  }

  Status Exchange() {
    return dispatcher_->Exchange(LayerIndex(0), dispatcher_->Plan(gate_), rows_, outputs_);
  }

  // A link that was reset is down at once, and up again after a while, as with gRPC.
  void SetLinksUpAgain(Duration pause) {
    transport_.on_reset = [this, pause](WorkerId worker) {
      loop_.Post(
          [this, worker] { transport_.listener()->OnWorkerDown(worker, Unavailable("reset")); });
      loop_.After(pause, [this, worker] { transport_.Up(worker.value(), {0, 1, 2, 3}); });
    };
  }

  uint64_t Failovers() const {
    uint64_t sum = 0;
    for (const uint64_t count : dispatcher_->Stats().failovers) sum += count;
    return sum;
  }

  void ExpectRightOutputs() const {
    for (size_t pair = 0; pair < gate_.experts.size(); ++pair) {
      const auto expert = static_cast<float>(gate_.experts[pair].value() + 1);
      EXPECT_EQ(outputs_.row(pair)[0], rows_[pair / 2 * kHidden] + 10 * expert) << "pair " << pair;
    }
  }

  ManualEventLoop loop_;
  NullLog log_;
  ScriptedTransport transport_;
  std::unique_ptr<Dispatcher> dispatcher_;
  GateOutput gate_;
  std::vector<float> rows_ = std::vector<float>(3 * kHidden);
  ExpertOutputs outputs_;
};

}  // namespace windrose
