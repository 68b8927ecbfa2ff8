#include "common/obs/process_log.h"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <exception>

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

class SpdLog final : public Log {
 public:
  SpdLog(const std::string& component, LogLevel level)
      : threads_(std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1)),
        logger_(std::make_shared<spdlog::async_logger>(
            component, std::make_shared<spdlog::sinks::stderr_sink_mt>(), threads_,
            spdlog::async_overflow_policy::overrun_oldest)) {
    logger_->set_level(ToSpdlog(level));
    logger_->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %n %v", spdlog::pattern_time_type::utc);
    // What stderr refuses is lost; reporting it to stderr would not help.
    logger_->set_error_handler([](const std::string&) {});
  }

  void Write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override {
    const spdlog::level::level_enum mapped = ToSpdlog(level);
    if (!logger_->should_log(mapped)) return;
    const std::string line = FormatLogLine(event, fields);
    logger_->log(mapped, spdlog::string_view_t(line.data(), line.size()));
  }

 private:
  // The pool's destructor writes what is queued.
  const std::shared_ptr<spdlog::details::thread_pool> threads_;
  const std::shared_ptr<spdlog::async_logger> logger_;
};

}  // namespace

std::unique_ptr<Log> MakeProcessLog(const std::string& component, LogLevel level) {
  return std::make_unique<SpdLog>(component, level);
}

}  // namespace windrose
