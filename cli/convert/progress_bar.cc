#include "cli/convert/progress_bar.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace windrose::cli {
namespace {

constexpr Duration kRedrawPeriod = Milliseconds(100);
constexpr Duration kLinePeriod = Seconds(10);
constexpr size_t kBarWidth = 30;
constexpr double kGigabyte = 1e9;
constexpr double kMegabyte = 1e6;

template <typename... Values>
std::string Format(const char* format, Values... values) {
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

double ShareOf(uint64_t bytes, uint64_t total_bytes) {
  return total_bytes == 0 ? 1.0 : static_cast<double>(bytes) / static_cast<double>(total_bytes);
}

// "0:37", "12:05", "1:02:09".
std::string FormatTime(double seconds) {
  const auto whole = static_cast<int64_t>(seconds);
  const int second = static_cast<int>(whole % 60);
  const int minute = static_cast<int>(whole / 60 % 60);
  const auto hour = static_cast<long long>(whole / 3600);
  return hour > 0 ? Format("%lld:%02d:%02d", hour, minute, second)
                  : Format("%d:%02d", minute, second);
}

}  // namespace

std::string FormatProgress(const Progress& progress) {
  const auto bytes = static_cast<double>(progress.bytes);
  const auto total = static_cast<double>(progress.total_bytes);
  const bool large = total >= kGigabyte;
  std::string text =
      Format("%.0f %%, %.1f of %.1f %s", 100 * ShareOf(progress.bytes, progress.total_bytes),
             bytes / (large ? kGigabyte : kMegabyte), total / (large ? kGigabyte : kMegabyte),
             large ? "GB" : "MB");
  const double done = static_cast<double>(progress.bytes - progress.begin_bytes);
  const double seconds = ToSeconds(progress.elapsed);
  if (done <= 0 || seconds <= 0) return text;
  const double rate = done / seconds;
  return text + Format(", %.0f MB/s, ", rate / kMegabyte) + FormatTime((total - bytes) / rate) +
         " left";
}

void ProgressBar::Show(uint64_t bytes, uint64_t total_bytes) {
  const TimePoint now = clock_.Now();
  if (!begin_bytes_) {
    begin_bytes_ = bytes;
    begin_ = now;
  }
  bytes_ = bytes;
  if (now < next_) return;
  next_ = now + (terminal_ ? kRedrawPeriod : kLinePeriod);
  const std::string text = FormatProgress({bytes, *begin_bytes_, total_bytes, now - begin_});
  if (!terminal_) {
    out_ << text << std::endl;
    return;
  }
  const double filled = ShareOf(bytes, total_bytes) * static_cast<double>(kBarWidth);
  std::string bar(std::min(static_cast<size_t>(filled), kBarWidth), '#');
  bar.resize(kBarWidth, ' ');
  out_ << "\r[" << bar << "] " << text << "\033[K" << std::flush;
}

void ProgressBar::Clear() {
  if (terminal_) out_ << "\r\033[K" << std::flush;
}

void ProgressBar::End(const std::string& sentence) {
  const double seconds = ToSeconds(clock_.Now() - begin_);
  const auto done = static_cast<double>(bytes_ - begin_bytes_.value_or(bytes_));
  Clear();
  out_ << sentence << Format(" in %.1f s", seconds);
  if (done > 0 && seconds > 0) out_ << Format(" (%.0f MB/s)", done / seconds / kMegabyte);
  out_ << std::endl;
}

}  // namespace windrose::cli
