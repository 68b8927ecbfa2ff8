// WholeAnswer: choices' events collected into one JSON body.
#include <utility>

#include "router/api/error.h"
#include "router/proxy/answer_sink.h"

namespace windrose::router {
namespace {

class WholeAnswer final : public AnswerSink {
 public:
  WholeAnswer(SinkParts parts, uint32_t choice_count) : parts_(std::move(parts)) {
    choices_.resize(choice_count);
    for (uint32_t i = 0; i < choice_count; ++i) choices_[i].index = i;
  }

  void OnStarted(uint32_t choice, const StartedEvent& event, std::string echo) override {
    choices_[choice].text = std::move(echo);
    if (parts_.options.logprobs.has_value()) choices_[choice].tokens = event.prompt;
  }

  void OnToken(uint32_t choice, TokenEvent event) override {
    had_tokens_ = true;
    choices_[choice].text += event.text;
    if (parts_.options.logprobs.has_value()) choices_[choice].tokens.push_back(std::move(event));
  }

  void OnFinished(uint32_t choice, const FinishedEvent& event) override {
    choices_[choice].text += event.text;
    choices_[choice].reason = event.reason;
  }

  void OnComplete(const Usage& usage) override {
    parts_.responder->Send(HttpResponse{
        .status = 200,
        .fields = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
        .body = parts_.format.Body(choices_, usage)});
  }

  int OnFailed(const Status& status) override {
    const HttpResponse response = ErrorResponse(status, had_tokens_);
    parts_.responder->Send(response);
    return response.status;
  }

 private:
  SinkParts parts_;
  bool had_tokens_ = false;
  std::vector<ChoiceResult> choices_;
};

}  // namespace

std::unique_ptr<AnswerSink> MakeWholeAnswer(SinkParts parts, uint32_t choice_count) {
  return std::make_unique<WholeAnswer>(std::move(parts), choice_count);
}

HttpResponse ErrorResponse(const Status& status, bool late) {
  const ErrorAnswer answer = ToErrorAnswer(status, late);
  HttpResponse response{
      .status = answer.http_status,
      .fields = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
      .body = ErrorBody(answer)};
  for (const auto& [name, value] : ErrorHeaders(answer)) response.fields.push_back({name, value});
  return response;
}

}  // namespace windrose::router
