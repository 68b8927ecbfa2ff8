#include "coordinator/server/inference_service.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/unit/coordinator/server/fixtures.h"

namespace windrose {
namespace {

namespace pb = inference::v1;

class IdleGenerator final : public Generator {
 public:
  Status Submit(Request, std::shared_ptr<TokenSink>, uint64_t*) override {
    return Internal("nothing is generated in this test");
  }
  Status Admits() const override { return OkStatus(); }
  void Cancel(uint64_t) override {}
  std::string NotReadyReason() const override { return reason; }
  std::string reason;
};

class InferenceServiceTest : public testing::Test {
 protected:
  ServedModel model_ = MixtralModel(64);
  IdleGenerator generator_;
  SystemClock clock_;
  CountingEntropy entropy_;
  NullInferenceObserver observer_;
  CallRegistry registry_{4};
  TextThread texts_{4};
  RequestLimits limits_;
  InferenceService service_{
      std::make_shared<const CallEnvironment>(CallEnvironment{
          model_, Mixtral(), generator_, clock_, observer_, registry_, texts_, Seconds(1), 100}),
      limits_, entropy_};
};

pb::TokenizeRequest TextRequest(const std::string& text, bool omit_bos) {
  pb::TokenizeRequest request;
  request.mutable_text()->set_text(text);
  request.mutable_text()->set_omit_bos(omit_bos);
  return request;
}

TEST_F(InferenceServiceTest, TokenizesTextWithItsPieces) {
  pb::TokenizeResponse response;
  ASSERT_TRUE(service_.TokenizeInto(TextRequest("Hello", false), &response).ok());
  ASSERT_EQ(response.ids_size(), 2);
  EXPECT_EQ(response.ids(0), 1U);
  EXPECT_EQ(response.ids(1), 22557U);
  EXPECT_EQ(response.pieces(1), " Hello");
  EXPECT_EQ(response.max_model_length(), 64U);
}

TEST_F(InferenceServiceTest, TellsControlIdsOnlyForTheirExactNames) {
  pb::TokenizeResponse control;
  ASSERT_TRUE(service_.TokenizeInto(TextRequest("</s>", true), &control).ok());
  ASSERT_EQ(control.ids_size(), 1);
  EXPECT_EQ(control.ids(0), 2U);
  for (const std::string& text :
       {std::string("a</s>"), std::string(" </s>"), std::string("</s>\n")}) {
    pb::TokenizeResponse plain;
    ASSERT_TRUE(service_.TokenizeInto(TextRequest(text, true), &plain).ok());
    for (const uint32_t id : plain.ids()) EXPECT_GT(id, 2U) << text;
  }
  pb::TokenizeResponse with_bos;
  ASSERT_TRUE(service_.TokenizeInto(TextRequest("</s>", false), &with_bos).ok());
  EXPECT_EQ(with_bos.ids_size(), 4);  // <s> and the text's three pieces
}

TEST_F(InferenceServiceTest, TokenizesChats) {
  pb::TokenizeRequest request;
  auto* message = request.mutable_chat()->add_messages();
  message->set_role("user");
  message->set_content("a");
  pb::TokenizeResponse response;
  ASSERT_TRUE(service_.TokenizeInto(request, &response).ok());
  EXPECT_EQ(response.ids_size(), 9);
}

TEST_F(InferenceServiceTest, RefusesATokenizeRequestWithoutAPrompt) {
  pb::TokenizeResponse response;
  EXPECT_EQ(DetailText(service_.TokenizeInto(pb::TokenizeRequest(), &response)),
            "invalid_value prompt");
}

TEST_F(InferenceServiceTest, DetokenizesToTheTextThatWasTokenized) {
  const std::string text =
      "Gr\xC3\xBC\xC3\x9F"
      "e \xF0\x9F\xA6\x99";
  pb::TokenizeResponse tokens;
  ASSERT_TRUE(service_.TokenizeInto(TextRequest(text, false), &tokens).ok());
  pb::DetokenizeRequest request;
  *request.mutable_ids() = tokens.ids();
  pb::DetokenizeResponse response;
  ASSERT_TRUE(service_.DetokenizeInto(request, &response).ok());
  EXPECT_EQ(response.text(), text);
}

TEST_F(InferenceServiceTest, RefusesToDetokenizeForeignIds) {
  pb::DetokenizeRequest request;
  request.add_ids(32000);
  pb::DetokenizeResponse response;
  EXPECT_EQ(DetailText(service_.DetokenizeInto(request, &response)), "invalid_value ids");
}

TEST_F(InferenceServiceTest, ListsItsModelAndWhetherItIsReady) {
  pb::ListModelsResponse ready;
  service_.ListModelsInto(&ready);
  ASSERT_EQ(ready.models_size(), 1);
  EXPECT_EQ(ready.models(0).id(), "mixtral");
  EXPECT_EQ(ready.models(0).vocabulary_size(), 32000U);
  EXPECT_TRUE(ready.models(0).ready());
  generator_.reason = "expert 3 has no worker";
  pb::ListModelsResponse waiting;
  service_.ListModelsInto(&waiting);
  EXPECT_FALSE(waiting.models(0).ready());
}

TEST_F(InferenceServiceTest, IsNotReadyWhileDraining) {
  registry_.BeginDrain();
  pb::ListModelsResponse response;
  service_.ListModelsInto(&response);
  EXPECT_FALSE(response.models(0).ready());
}

}  // namespace
}  // namespace windrose
