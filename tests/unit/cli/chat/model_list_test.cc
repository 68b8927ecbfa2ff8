#include "cli/chat/model_list.h"

#include <gtest/gtest.h>

namespace windrose::cli {
namespace {

TEST(ModelList, TakesTheFirstId) {
  EXPECT_EQ(*FirstModelId(R"({"object":"list","data":[{"id":"a"},{"id":"b"}]})"), "a");
}

TEST(ModelList, RefusesWhatIsNoListOfModels) {
  EXPECT_EQ(FirstModelId("<html>").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(FirstModelId("[]").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(FirstModelId(R"({"data":{}})").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(FirstModelId(R"({"data":[1]})").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(FirstModelId(R"({"data":[]})").status().code(), StatusCode::kNotFound);
}

TEST(ModelList, TakesTheMessageOutOfAnErrorBody) {
  EXPECT_EQ(ErrorMessage(R"({"error":{"message":"queue full","code":"x"}})"), "queue full");
}

TEST(ModelList, ShowsTheBeginningOfAnyOtherBody) {
  EXPECT_EQ(ErrorMessage("<html>"), "<html>");
  EXPECT_EQ(ErrorMessage(R"({"error":"flat"})"), R"({"error":"flat"})");
  EXPECT_EQ(ErrorMessage(std::string(1000, 'x')).size(), 200U);
}

TEST(ErrorMessage, IsOneLineOfTextWhateverTheServerSent) {
  EXPECT_EQ(ErrorMessage(R"({"error":{"message":"z\u00e4h\n\u001b[31m"}})"), "z\xc3\xa4h??[31m");
  EXPECT_EQ(ErrorMessage("<html>\n\xe9\xc3"), "<html>???");
}

}  // namespace
}  // namespace windrose::cli
