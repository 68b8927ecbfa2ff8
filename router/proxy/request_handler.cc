#include "router/proxy/request_handler.h"

#include <utility>

#include "common/base/hex.h"

namespace windrose::router {
namespace {

std::string DrawId(std::string_view prefix, Entropy& entropy) {
  const uint64_t high = entropy.Next();
  return std::string(prefix) + HexDigits(high, 16) + HexDigits(entropy.Next(), 16);
}

// What stands in front of an echoed answer.
std::string EchoText(const RequestPlan& plan, size_t choice, const StartedEvent& event) {
  if (!plan.call.echo) return std::string();
  if (const auto* text = std::get_if<TextPrompt>(&plan.PromptOf(choice))) return text->text;
  std::string echo;
  for (const TokenEvent& token : event.prompt) echo += token.text;
  return echo;
}

}  // namespace

// One choice: the listener of its generation.
class RequestHandler::Choice final : public GenerationListener {
 public:
  Choice(RequestHandler& handler, uint32_t index, TimePoint deadline)
      : handler_(handler),
        index_(index),
        generation_(handler.parts_.generation, CallOf(handler.plan_, index), deadline, *this) {}

  uint32_t index() const { return index_; }
  Generation& generation() { return generation_; }

  void OnStarted(StartedEvent event) override { handler_.OnChoiceStarted(*this, std::move(event)); }
  void OnToken(TokenEvent event) override { handler_.OnChoiceToken(*this, std::move(event)); }
  void OnFinished(FinishedEvent event) override { handler_.OnChoiceFinished(*this, event); }
  void OnFailed(const Status& status) override { handler_.OnFailed(status); }

 private:
  RequestHandler& handler_;
  const uint32_t index_;
  Generation generation_;
};

RequestHandler::RequestHandler(Parts& parts, RequestPlan plan, HttpExchange exchange,
                               std::function<void()> on_end)
    : parts_(parts),
      plan_(std::move(plan)),
      exchange_(std::move(exchange)),
      on_end_(std::move(on_end)),
      format_(plan_.is_chat ? MakeChatFormat(plan_.format) : MakeCompletionFormat(plan_.format)),
      choices_(plan_.choice_count()) {}

RequestHandler::~RequestHandler() { parts_.admission.Forget(admission_id_); }

std::function<void()> RequestHandler::Posted(void (RequestHandler::*action)()) {
  return [this, action, &loop = parts_.loop, alive = std::weak_ptr<bool>(alive_)] {
    loop.Post([this, action, alive] {
      if (alive.lock() != nullptr && !ended_) (this->*action)();
    });
  };
}

void RequestHandler::Start() {
  SinkParts sink{.loop = parts_.loop,
                 .probe = parts_.probe,
                 .responder = exchange_.responder,
                 .format = *format_,
                 .options = plan_.format,
                 .keep_alive = parts_.options.keep_alive};
  sink_ = plan_.stream ? MakeStreamRelay(std::move(sink))
                       : MakeWholeAnswer(std::move(sink), static_cast<uint32_t>(choices_.size()));
  exchange_.responder->OnDisconnect(Posted(&RequestHandler::OnDisconnect));
  admission_id_ =
      parts_.admission.Request([this](StatusOr<std::unique_ptr<Admission::Ticket>> ticket) {
        OnAdmitted(std::move(ticket));
      });
}

void RequestHandler::OnAdmitted(StatusOr<std::unique_ptr<Admission::Ticket>> ticket) {
  if (!ticket.ok()) return OnFailed(ticket.status());
  ticket_ = std::move(*ticket);
  StartChoices();
}

void RequestHandler::StartChoices() {
  const TimePoint deadline = exchange_.arrived + parts_.options.deadline;
  while (!ended_ && next_choice_ < choices_.size() && running_ < parts_.options.parallel_choices) {
    const size_t index = next_choice_++;
    ++running_;
    choices_[index] = std::make_unique<Choice>(*this, static_cast<uint32_t>(index), deadline);
    if (has_head_) choices_[index]->generation().SetPatient();
    if (paused_) choices_[index]->generation().SetPaused(true);
    choices_[index]->generation().Start();
  }
}

void RequestHandler::OnChoiceStarted(Choice& choice, StartedEvent event) {
  if (!std::exchange(has_head_, true)) {
    format_->SetHead(ResponseHead{.id = DrawId(format_->id_prefix(), parts_.entropy),
                                  .created = parts_.clock.UnixSeconds(),
                                  .model = event.model,
                                  .system_fingerprint = event.system_fingerprint});
    for (const auto& other : choices_) {
      if (other != nullptr) other->generation().SetPatient();
    }
  }
  if (choice.index() % plan_.choices_per_prompt == 0) usage_.prompt_tokens += event.prompt_tokens;
  sink_->OnStarted(choice.index(), event, EchoText(plan_, choice.index(), event));
  PauseIfSlow();
}

void RequestHandler::OnChoiceToken(Choice& choice, TokenEvent event) {
  if (!std::exchange(had_tokens_, true)) {
    parts_.probe.OnFirstToken(parts_.loop.Now() - exchange_.arrived);
  }
  sink_->OnToken(choice.index(), std::move(event));
  PauseIfSlow();
}

void RequestHandler::OnChoiceFinished(Choice& choice, const FinishedEvent& event) {
  const FinishedEvent finished = event;
  const uint32_t index = choice.index();
  usage_.completion_tokens += finished.generated_tokens;
  sink_->OnFinished(index, finished);
  choices_[index].reset();
  --running_;
  StartChoices();
  if (running_ > 0 || ended_) return;
  sink_->OnComplete(usage_);
  End(200);
}

void RequestHandler::OnFailed(const Status& status) {
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): it may live in a choice.
  const Status copy = status;
  for (auto& choice : choices_) choice.reset();
  End(sink_->OnFailed(copy));
}

void RequestHandler::OnDisconnect() {
  parts_.probe.OnDisconnect(had_tokens_);
  for (auto& choice : choices_) choice.reset();
  // 499, as it is known from proxies: nobody was there to be answered.
  End(499);
}

void RequestHandler::PauseIfSlow() {
  if (!plan_.stream || paused_ ||
      exchange_.responder->pending_bytes() < parts_.options.pause_bytes) {
    return;
  }
  paused_ = true;
  for (const auto& choice : choices_) {
    if (choice != nullptr) choice->generation().SetPaused(true);
  }
  exchange_.responder->OnWritable(Posted(&RequestHandler::Resume));
}

void RequestHandler::Resume() {
  paused_ = false;
  for (const auto& choice : choices_) {
    if (choice != nullptr) choice->generation().SetPaused(false);
  }
}

void RequestHandler::End(int http_status) {
  if (std::exchange(ended_, true)) return;
  sink_.reset();
  parts_.admission.Forget(admission_id_);
  ticket_.reset();
  parts_.probe.OnHttpRequest(exchange_.route, "POST", http_status, plan_.stream,
                             parts_.loop.Now() - exchange_.arrived);
  on_end_();
}

}  // namespace windrose::router
