#include "common/obs/process_log.h"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <cerrno>
#include <future>

namespace windrose {
namespace {

constexpr size_t kQueueLines = 8192;

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

// Writes to stderr, for one thread. Past the C library's stream, whose lock a blocked write would
// hold at the process's end.
class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  // False: `patience` passed before the log was flushed, which is done once.
  bool AwaitFlush(Duration patience) {
    return flushed_.get_future().wait_for(patience) == std::future_status::ready;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::string_view rest(line.data(), line.size());
    while (!rest.empty()) {
      const ssize_t written = write(STDERR_FILENO, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;  // What stderr refuses is lost; saying so there would not help.
      rest.remove_prefix(static_cast<size_t>(written));
    }
  }
  void flush_() override { flushed_.set_value(); }

 private:
  std::promise<void> flushed_;
};

class SpdLog final : public Log {
 public:
  SpdLog(const std::string& component, LogLevel level, Duration patience)
      : patience_(patience),
        threads_(std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1)),
        sink_(std::make_shared<StderrSink>()),
        logger_(std::make_shared<spdlog::async_logger>(
            component, sink_, threads_, spdlog::async_overflow_policy::overrun_oldest)) {
    logger_->set_level(ToSpdlog(level));
    logger_->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %n %v", spdlog::pattern_time_type::utc);
    logger_->set_error_handler([](const std::string&) {});
  }

  ~SpdLog() override {
    logger_->flush();
    if (sink_->AwaitFlush(patience_)) return;
    // The pool's destructor would wait for its thread as long as stderr is blocked; so this one is
    // left to the end of the process.
    [[maybe_unused]] static const auto* const left_behind =
        std::make_unique<std::shared_ptr<spdlog::details::thread_pool>>(threads_).release();
  }

  void Write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override {
    const spdlog::level::level_enum mapped = ToSpdlog(level);
    if (!logger_->should_log(mapped)) return;
    const std::string line = FormatLogLine(event, fields);
    logger_->log(mapped, spdlog::string_view_t(line.data(), line.size()));
  }

 private:
  const Duration patience_;
  const std::shared_ptr<spdlog::details::thread_pool> threads_;
  const std::shared_ptr<StderrSink> sink_;
  const std::shared_ptr<spdlog::async_logger> logger_;
};

}  // namespace

std::unique_ptr<Log> MakeProcessLog(const std::string& component, LogLevel level,
                                    Duration patience) {
  return std::make_unique<SpdLog>(component, level, patience);
}

}  // namespace windrose
