#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace swb {
namespace {

std::shared_ptr<spdlog::logger>& logger() {
    static std::shared_ptr<spdlog::logger> instance = [] {
        auto created = std::make_shared<spdlog::logger>("swb", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        created->set_level(spdlog::level::warn);
        return created;
    }();
    return instance;
}

spdlog::level::level_enum toSpdlog(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

}  // namespace

void setUpLogging(std::string_view program, LogLevel level) {
    logger()->set_level(toSpdlog(level));
    logger()->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ level=%l program=" + std::string(program) + " %v",
                          spdlog::pattern_time_type::utc);
    logger()->flush_on(spdlog::level::debug);
}

bool logEnabled(LogLevel level) {
    return logger()->should_log(toSpdlog(level));
}

void logLine(LogLevel level, std::string_view area, std::string_view message) {
    // A newline inside a message must not start a forged line.
    std::string flat;
    flat.reserve(message.size());
    for (const char c : message) {
        if (c == '"')
            flat += '\'';
        else
            flat += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    logger()->log(toSpdlog(level), "area={} msg=\"{}\"", area, flat);
}

}  // namespace swb
