#include "gap_client/writer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace swb::bench {

WriterReport runWriter(const WriterOptions& options, Target target, AcknowledgementLog& log,
                       const std::atomic<bool>& stop) {
    const auto pause = std::chrono::milliseconds(options.pauseMs);
    const std::string prefix = fmt::format("{}-{}-", ::getpid(), options.number);
    WriterReport report;
    Connection connection(options.deadlines);
    while (!stop.load(std::memory_order_relaxed)) {
        if (!connection.connected()) {
            const Trouble trouble = connection.connect(target);
            if (!trouble.empty()) {
                ++report.troubles[trouble];
                std::this_thread::sleep_for(pause);
                continue;
            }
            ++report.connects;
        }
        const std::string tag = prefix + std::to_string(++report.attempts);
        const Trouble trouble = connection.insert(tag);
        if (!trouble.empty()) {
            ++report.troubles[trouble];
            connection.close();
            continue;
        }
        log.add(options.number, tag);
        ++report.acknowledged;
        std::this_thread::sleep_for(pause);
    }
    return report;
}

}  // namespace swb::bench
