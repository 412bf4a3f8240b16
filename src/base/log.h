// Logging: one line per event, key=value, to stderr. Secrets are of type Secret and print as ***.
//     logInfo("switch", "run {} finished in {} ms", id, ms);
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace swb {

enum class LogLevel { debug, info, warning, error };

// program: put on every line. Called once by main().
void setUpLogging(std::string_view program, LogLevel level);
void logLine(LogLevel level, std::string_view area, std::string_view message);
bool logEnabled(LogLevel level);

template <typename... Args>
void logDebug(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    if (logEnabled(LogLevel::debug)) logLine(LogLevel::debug, area, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void logInfo(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    if (logEnabled(LogLevel::info)) logLine(LogLevel::info, area, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void logWarning(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    logLine(LogLevel::warning, area, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void logError(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
    logLine(LogLevel::error, area, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace swb
