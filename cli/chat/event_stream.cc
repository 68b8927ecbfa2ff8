#include "cli/chat/event_stream.h"

namespace windrose::cli {

Status EventStream::Feed(std::string_view piece) {
  while (!piece.empty()) {
    const size_t end = piece.find('\n');
    line_.append(piece.substr(0, end));
    if (line_.size() + data_.size() > kMaxEventBytes) {
      return ResourceExhausted("an event of the stream is longer than " +
                               std::to_string(kMaxEventBytes) + " bytes");
    }
    if (end == std::string_view::npos) return OkStatus();
    piece.remove_prefix(end + 1);
    if (line_.ends_with('\r')) line_.pop_back();
    OnLine(line_);
    line_.clear();
  }
  return OkStatus();
}

void EventStream::OnLine(std::string_view line) {
  constexpr std::string_view kData = "data:";
  if (line.empty()) {
    if (has_data_) on_data_(data_);
    data_.clear();
    has_data_ = false;
    return;
  }
  if (!line.starts_with(kData)) return;
  line.remove_prefix(kData.size());
  if (line.starts_with(' ')) line.remove_prefix(1);
  if (has_data_) data_ += '\n';
  data_ += line;
  has_data_ = true;
}

}  // namespace windrose::cli
