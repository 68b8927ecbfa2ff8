#include "router/upstream/inference_proto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>

#include "google/rpc/status.pb.h"
#include "router/values/error_detail.h"

namespace windrose::router {
namespace {

using ::testing::ElementsAre;

GenerateCall FullCall(Prompt prompt) {
  GenerateCall call{.request_id = "r1", .model = "m", .prompt = std::move(prompt)};
  call.sampling = {.temperature = 0.0F,
                   .top_p = 0.5F,
                   .top_k = 7,
                   .min_p = 0.25F,
                   .seed = 0,
                   .repetition_penalty = 1.5F,
                   .presence_penalty = -1,
                   .frequency_penalty = 2,
                   .logit_bias = {{TokenId(3), -100.0F}, {TokenId(0), 1.0F}}};
  call.max_tokens = 0;
  call.stop = {"a", std::string("\0", 1)};
  call.logprobs = 0;
  call.echo = true;
  call.ignore_eos = true;
  call.resume_tokens = {TokenId(5), TokenId(0)};
  return call;
}

GenerateCall Sent(const GenerateCall& call) {
  proto::GenerateRequest request;
  ToProto(call, request);
  StatusOr<GenerateCall> back = FromProto(request);
  EXPECT_TRUE(back.ok());
  return *std::move(back);
}

template <typename Event>
Event Sent(const Event& event) {
  proto::GenerateEvent message;
  ToProto(GenerateEvent(event), message);
  StatusOr<GenerateEvent> back = FromProto(std::move(message));
  EXPECT_TRUE(back.ok());
  return std::get<Event>(*std::move(back));
}

TEST(InferenceProto, KeepsEveryFieldOfACall) {
  const GenerateCall call = FullCall(TokenPrompt{.ids = {TokenId(9), TokenId(0)}});
  const GenerateCall back = Sent(call);
  EXPECT_EQ(back.request_id, "r1");
  EXPECT_EQ(back.model, "m");
  EXPECT_THAT(std::get<TokenPrompt>(back.prompt).ids, ElementsAre(TokenId(9), TokenId(0)));
  EXPECT_EQ(back.sampling.temperature, 0.0F);
  EXPECT_EQ(back.sampling.top_p, 0.5F);
  EXPECT_EQ(back.sampling.top_k, 7U);
  EXPECT_EQ(back.sampling.min_p, 0.25F);
  EXPECT_EQ(back.sampling.seed, 0U);
  EXPECT_EQ(back.sampling.repetition_penalty, 1.5F);
  EXPECT_EQ(back.sampling.presence_penalty, -1.0F);
  EXPECT_EQ(back.sampling.frequency_penalty, 2.0F);
  EXPECT_EQ(back.sampling.logit_bias, call.sampling.logit_bias);
  EXPECT_EQ(back.max_tokens, 0U);
  EXPECT_EQ(back.stop, call.stop);
  EXPECT_EQ(back.logprobs, 0U);
  EXPECT_TRUE(back.echo && back.ignore_eos);
  EXPECT_EQ(back.resume_tokens, call.resume_tokens);
}

// A default is the coordinator's to choose: what is absent must not become a zero on the way.
TEST(InferenceProto, WhatIsAbsentStaysAbsent) {
  const GenerateCall back = Sent(GenerateCall{.prompt = TextPrompt{}});
  EXPECT_EQ(back.sampling.temperature, std::nullopt);
  EXPECT_EQ(back.sampling.top_p, std::nullopt);
  EXPECT_EQ(back.sampling.seed, std::nullopt);
  EXPECT_EQ(back.sampling.repetition_penalty, std::nullopt);
  EXPECT_EQ(back.max_tokens, std::nullopt);
  EXPECT_EQ(back.logprobs, std::nullopt);
}

TEST(InferenceProto, KeepsTheKindOfAPrompt) {
  const ChatPrompt chat{.messages = {{"user", "Hi"}, {"assistant", ""}},
                        .continue_final_message = true};
  const auto chat_back = std::get<ChatPrompt>(Sent(FullCall(chat)).prompt);
  EXPECT_EQ(chat_back.messages, chat.messages);
  EXPECT_TRUE(chat_back.continue_final_message);
  const auto text = std::get<TextPrompt>(
      Sent(FullCall(TextPrompt{.text = std::string("a\0b", 3), .omit_bos = true})).prompt);
  EXPECT_EQ(text.text, std::string("a\0b", 3));
  EXPECT_TRUE(text.omit_bos);
  // Empty, but there: the coordinator says what it thinks of it.
  EXPECT_TRUE(std::get<TokenPrompt>(Sent(FullCall(TokenPrompt{})).prompt).ids.empty());
}

TEST(InferenceProto, RequestWithoutAPromptNamesTheField) {
  const Status generate = FromProto(proto::GenerateRequest()).status();
  const Status tokenize = FromProto(proto::TokenizeRequest()).status();
  for (const Status& status : {generate, tokenize}) {
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(DetailOf(status)->param, "prompt");
    EXPECT_EQ(DetailOf(status)->code, "missing_required_parameter");
  }
}

TEST(InferenceProto, KeepsEveryFieldOfAnEvent) {
  const TokenEvent token{.id = TokenId(4),
                         .index = 2,
                         .text = "x",
                         .logprob = TokenLogprob{TokenId(4), "\xE2\x82", -0.5F},
                         .top = {{TokenId(7), "b", -1.0F}, {TokenId(4), "\xE2\x82", -2.0F}}};
  const StartedEvent started = Sent(StartedEvent{.model = "m",
                                                 .prompt_tokens = 3,
                                                 .prompt = {token},
                                                 .system_fingerprint = "f",
                                                 .max_tokens = 0});
  EXPECT_EQ(started.model, "m");
  EXPECT_EQ(started.prompt_tokens, 3U);
  EXPECT_EQ(started.system_fingerprint, "f");
  EXPECT_EQ(started.max_tokens, 0U);
  EXPECT_EQ(Sent(StartedEvent{}).max_tokens, std::nullopt);
  ASSERT_EQ(started.prompt.size(), 1U);
  const TokenEvent back = Sent(token);
  for (const TokenEvent& each : {back, started.prompt[0]}) {
    EXPECT_EQ(each.id, TokenId(4));
    EXPECT_EQ(each.index, 2U);
    EXPECT_EQ(each.text, "x");
    EXPECT_EQ(each.logprob->text, "\xE2\x82");
    ASSERT_EQ(each.top.size(), 2U);
    EXPECT_EQ(each.top[0].id, TokenId(7));
    EXPECT_EQ(each.top[1].logprob, -2.0F);
  }
  EXPECT_EQ(Sent(TokenEvent{}).logprob, std::nullopt);
  for (const FinishReason reason : {FinishReason::kStop, FinishReason::kLength}) {
    const FinishedEvent finished = Sent(FinishedEvent{.reason = reason,
                                                      .text = "t",
                                                      .stop_string = "s",
                                                      .prompt_tokens = 1,
                                                      .generated_tokens = 2});
    EXPECT_EQ(finished.reason, reason);
    EXPECT_EQ(finished.text, "t");
    EXPECT_EQ(finished.stop_string, "s");
    EXPECT_EQ(finished.prompt_tokens, 1U);
    EXPECT_EQ(finished.generated_tokens, 2U);
  }
}

TEST(InferenceProto, EventsThatSayNothingAreTheCoordinatorsFault) {
  EXPECT_EQ(FromProto(proto::GenerateEvent()).status().code(), StatusCode::kInternal);
  for (const int reason : {0, 77, -1}) {
    proto::GenerateEvent event;
    event.mutable_finished()->set_reason(static_cast<proto::FinishReason>(reason));
    EXPECT_EQ(FromProto(std::move(event)).status().code(), StatusCode::kInternal) << reason;
  }
}

TEST(InferenceProto, StatusKeepsItsDetailOnTheWay) {
  const ErrorDetail detail{.code = "server_overloaded", .param = "p", .retry_after_ms = 1500};
  const Status back =
      FromGrpcStatus(ToGrpcStatus(WithDetail(ResourceExhausted("too much"), detail)));
  EXPECT_EQ(back.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Message(back), "too much");
  EXPECT_EQ(DetailOf(back), detail);
  EXPECT_EQ(DetailOf(FromGrpcStatus(ToGrpcStatus(NotFound("x")))), std::nullopt);
  EXPECT_TRUE(FromGrpcStatus(ToGrpcStatus(OkStatus())).ok());
}

// Go's library makes INTERNAL of a call whose details say another code, Python's throws.
TEST(InferenceProto, DetailsAreThoseOfAllGrpcLibraries) {
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(
      ToGrpcStatus(BadField("stop", "invalid_value", "too many")).error_details()));
  EXPECT_EQ(details.code(), static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_EQ(details.message(), "too many");
  ASSERT_EQ(details.details_size(), 1);
  proto::ErrorDetail detail;
  ASSERT_TRUE(details.details(0).UnpackTo(&detail));
  EXPECT_EQ(detail.param(), "stop");
}

// A peer's details are bytes like all others.
TEST(InferenceProto, DetailsThatAreNoneLeaveTheStatus) {
  const grpc::Status noise(grpc::StatusCode::INTERNAL, "why", "\xFF\xFF\xFF");
  EXPECT_EQ(FromGrpcStatus(noise).code(), StatusCode::kInternal);
  EXPECT_EQ(DetailOf(FromGrpcStatus(noise)), std::nullopt);
  google::rpc::Status foreign;
  foreign.add_details()->set_type_url("type.googleapis.com/google.rpc.RetryInfo");
  const grpc::Status other(grpc::StatusCode::INTERNAL, "why", foreign.SerializeAsString());
  EXPECT_EQ(DetailOf(FromGrpcStatus(other)), std::nullopt);
}

// A code with a line break must not pass for the word before it.
TEST(InferenceProto, LineBreaksInADetailStayWhereTheyAre) {
  const ErrorDetail detail{.code = "draining\nx", .param = "a\nb", .retry_after_ms = 1};
  EXPECT_EQ(DetailOf(FromGrpcStatus(ToGrpcStatus(WithDetail(Internal("why"), detail)))), detail);
}

}  // namespace
}  // namespace windrose::router
