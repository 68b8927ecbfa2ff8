#include "cli/bench/cluster_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "scripted_client.h"

namespace windrose::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const char kTwoModels[] =
    R"({"object":"list","data":[{"id":"demo","max_model_len":1024,"aliases":["small"]},)"
    R"({"id":"mixtral"}]})";

ScriptedClient::Answer Always(StatusOr<HttpResponse> response) {
  return [response](const HttpClientRequest&, const HttpClient::BodyCallback&) { return response; };
}

TEST(ParseServedModels, ReadsIdsAliasesAndContext) {
  const auto models = ParseServedModels(kTwoModels);
  ASSERT_TRUE(models.ok());
  ASSERT_EQ(models->size(), 2U);
  EXPECT_EQ((*models)[0].id, "demo");
  EXPECT_THAT((*models)[0].aliases, ElementsAre("small"));
  EXPECT_EQ((*models)[0].context_length, 1024U);
  EXPECT_EQ((*models)[1].context_length, std::nullopt);
}

TEST(ParseServedModels, RefusesWhatIsNoListOfModels) {
  for (const char* body : {"<html>", "[]", "{}", R"({"data":{}})", R"({"data":[1]})",
                           R"({"data":[{"name":"x"}]})", R"({"data":[{"id":3}]})"}) {
    EXPECT_EQ(ParseServedModels(body).status().code(), StatusCode::kInvalidArgument) << body;
  }
}

TEST(ChooseModel, TakesTheFirstOrTheOneThatIsCalledSo) {
  const auto models = *ParseServedModels(kTwoModels);
  EXPECT_EQ(ChooseModel(models, "")->id, "demo");
  EXPECT_EQ(ChooseModel(models, "mixtral")->id, "mixtral");
  EXPECT_EQ(ChooseModel(models, "small")->id, "demo");
}

TEST(ChooseModel, NamesWhatIsServedWhenItIsNot) {
  const auto chosen = ChooseModel(*ParseServedModels(kTwoModels), "llama");
  EXPECT_EQ(chosen.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Message(chosen.status()), "the model llama is not served; served: demo, mixtral");
  EXPECT_EQ(ChooseModel({}, "").status().code(), StatusCode::kNotFound);
}

TEST(FindModel, TellsNobodyFromSomebodyElse) {
  ScriptedClient nobody(Always(Unavailable("cannot connect to h:1: refused")));
  EXPECT_EQ(Message(FindModel(nobody, {}, "").status()),
            "no cluster answers: cannot connect to h:1: refused");
  ScriptedClient other(Always(HttpResponse{.body = "<html>"}));
  EXPECT_THAT(Message(FindModel(other, {}, "").status()), HasSubstr("does not speak OpenAI's"));
  ScriptedClient refuses(
      Always(HttpResponse{.status = 401, .body = R"({"error":{"message":"no key"}})"}));
  EXPECT_EQ(Message(FindModel(refuses, {}, "").status()), "GET /v1/models: HTTP 401: no key");
}

TEST(FindModel, AsksOnceWithTheFieldsOfTheCaller) {
  std::vector<HttpClientRequest> requests;
  ScriptedClient client([&](const HttpClientRequest& request, const HttpClient::BodyCallback&) {
    requests.push_back(request);
    return HttpResponse{.body = kTwoModels};
  });
  EXPECT_EQ(FindModel(client, {{"Authorization", "Bearer k"}}, "")->id, "demo");
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].target, "/v1/models");
  EXPECT_EQ(requests[0].fields.at(0).value, "Bearer k");
}

// A model of `size` tokens, which notes the ids it was asked for.
ScriptedClient::Answer Knows(uint32_t size, std::vector<uint32_t>& asked) {
  return [size, &asked](const HttpClientRequest& request, const HttpClient::BodyCallback&) {
    const auto body = boost::json::parse(request.body);
    asked.push_back(body.at("prompt").at(0).to_number<uint32_t>());
    return HttpResponse{.status = asked.back() < size ? 200 : 400,
                        .body = R"({"error":{"message":"no such token"}})"};
  };
}

TEST(FindVocabulary, HalvesUntilTheModelKnowsTheId) {
  std::vector<uint32_t> asked;
  ScriptedClient demo(Knows(1536, asked));
  EXPECT_EQ(*FindVocabulary(demo, {}, "demo"), 1024U);
  EXPECT_THAT(asked, ElementsAre(32767U, 31999U, 16383U, 8191U, 4095U, 2047U, 1023U));
}

TEST(FindVocabulary, KnowsMixtralsOwn) {
  std::vector<uint32_t> asked;
  ScriptedClient mixtral(Knows(32000, asked));
  EXPECT_EQ(*FindVocabulary(mixtral, {}, "mixtral"), 32000U);
  ScriptedClient larger(Knows(40000, asked));
  EXPECT_EQ(*FindVocabulary(larger, {}, "mixtral"), 32768U);
}

TEST(FindVocabulary, GivesUpAtTheLeastAndAtAnyOtherFailure) {
  std::vector<uint32_t> asked;
  ScriptedClient nothing(Knows(0, asked));
  EXPECT_THAT(Message(FindVocabulary(nothing, {}, "m").status()), HasSubstr("no such token"));
  int requests = 0;
  ScriptedClient full([&](const HttpClientRequest&, const HttpClient::BodyCallback&) {
    ++requests;
    return HttpResponse{.status = 429, .body = "full"};
  });
  EXPECT_FALSE(FindVocabulary(full, {}, "m").ok());
  EXPECT_EQ(requests, 1);
}

}  // namespace
}  // namespace windrose::cli
