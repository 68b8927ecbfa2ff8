#include "cli/chat/stream_chunk.h"

#include <boost/json.hpp>
#include <utility>

#include "cli/chat/model_list.h"

namespace windrose::cli {

StatusOr<StreamChunk> ParseStreamChunk(std::string_view data) {
  StreamChunk chunk;
  if (data == "[DONE]") {
    chunk.done = true;
    return chunk;
  }
  boost::json::error_code error;
  boost::json::value document = boost::json::parse(data, error);
  if (error || !document.is_object()) return InvalidArgument("an event of the stream is not JSON");
  boost::json::object& object = document.get_object();
  if (object.contains("error")) return Unavailable(ErrorMessage(data));
  boost::json::value* const choices = object.if_contains("choices");
  if (choices == nullptr || !choices->is_array()) {
    return InvalidArgument("an event of the stream has no choices");
  }
  boost::json::array& list = choices->get_array();
  if (!list.empty() && list.front().is_object())
    chunk.choice = std::move(list.front().get_object());
  boost::json::value* const usage = object.if_contains("usage");
  if (usage != nullptr && usage->is_object()) chunk.usage = std::move(usage->get_object());
  return chunk;
}

}  // namespace windrose::cli
