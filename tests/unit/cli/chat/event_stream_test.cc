#include "cli/chat/event_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace windrose::cli {
namespace {

using testing::ElementsAre;

// The data of all events of `stream`, fed in pieces of `piece_bytes`.
std::vector<std::string> Events(std::string_view stream, size_t piece_bytes) {
  std::vector<std::string> events;
  EventStream parser([&](const std::string& data) { events.push_back(data); });
  for (size_t begin = 0; begin < stream.size(); begin += piece_bytes) {
    EXPECT_TRUE(parser.Feed(stream.substr(begin, piece_bytes)).ok());
  }
  return events;
}

TEST(EventStream, FindsEventsHoweverTheBytesAreCut) {
  const std::string_view stream =
      ": ping\n\ndata: one\n\nevent: x\ndata: two\r\ndata:three\r\n\r\n";
  for (size_t piece_bytes = 1; piece_bytes <= stream.size(); ++piece_bytes) {
    EXPECT_THAT(Events(stream, piece_bytes), ElementsAre("one", "two\nthree"));
  }
}

TEST(EventStream, IgnoresAnEventThatNeverEnds) {
  EXPECT_THAT(Events("data: whole\n\ndata: half\n", 4), ElementsAre("whole"));
}

TEST(EventStream, KeepsAnEmptyValueAndOnlyOneSpace) {
  EXPECT_THAT(Events("data:\n\ndata:  x\n\n", 3), ElementsAre("", " x"));
}

TEST(EventStream, RefusesAnEventWithoutEnd) {
  EventStream parser([](const std::string&) {});
  const std::string piece(1 << 20, 'x');
  Status status;
  for (int count = 0; count < 17 && status.ok(); ++count) status = parser.Feed(piece);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace windrose::cli
