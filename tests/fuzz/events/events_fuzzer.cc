// Any bytes as the stream of an answer, as chat and bench read it, and as a server's list of
// models: the same events however the bytes are cut, and of each an error or values, never worse.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench/completion_chunk.h"
#include "cli/chat/conversation.h"
#include "cli/chat/event_stream.h"
#include "cli/chat/model_list.h"
#include "common/base/check.h"

namespace {

namespace cli = windrose::cli;

std::vector<std::string> Events(std::string_view bytes, size_t piece) {
  std::vector<std::string> events;
  cli::EventStream stream([&](const std::string& data) { events.push_back(data); });
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    CHECK(stream.Feed(bytes.substr(0, piece)).ok());
  }
  return events;
}

void CheckChunks(std::string_view data) {
  const auto chat = cli::ParseChunk(data);
  const auto completion = cli::ParseCompletionChunk(data);
  CHECK(chat.ok() == completion.ok());
  if (!chat.ok()) return CHECK(chat.status().code() == completion.status().code());
  CHECK(chat->done == completion->done);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> events = Events(bytes, std::max<size_t>(size, 1));
  CHECK(events == Events(bytes, 1));
  CHECK(events == Events(bytes, 7));
  for (const std::string& event : events) CheckChunks(event);
  CheckChunks(bytes);
  static_cast<void>(cli::FirstModelId(bytes));
  static_cast<void>(cli::ErrorMessage(bytes));
  return 0;
}
