#include "gap_client/writer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace swb::bench {

WriterReport runWriter(const WriterOptions& options, Session& session, AcknowledgementLog& log,
                       const std::atomic<bool>& stop) {
    const auto pause = std::chrono::milliseconds(options.pauseMs);
    const std::string prefix = fmt::format("{}-{}-", ::getpid(), options.number);
    WriterReport report;
    while (!stop.load(std::memory_order_relaxed)) {
        if (!session.connected()) {
            const Trouble trouble = session.connect();
            if (!trouble.empty()) {
                ++report.troubles[trouble];
                std::this_thread::sleep_for(pause);
                continue;
            }
            ++report.connects;
        }
        const std::string tag = prefix + std::to_string(++report.attempts);
        const Trouble trouble = session.insert(tag);
        if (!trouble.empty()) {
            ++report.troubles[trouble];
            continue;
        }
        log.add(options.number, tag);
        ++report.acknowledged;
        std::this_thread::sleep_for(pause);
    }
    return report;
}

}  // namespace swb::bench
