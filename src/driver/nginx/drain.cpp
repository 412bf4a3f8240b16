// Waiting until what was passed to the application before the maintenance page has been answered. nginx counts the
// requests in flight itself (site.h); asking for the count is a request that is refused while there are others.
#include <algorithm>
#include <thread>

#include "base/file.h"
#include "driver/nginx/nginx_driver.h"
#include "driver/nginx/target.h"

namespace swb::driver {
namespace {

constexpr int busyStatus = 429;  // site.cpp's; everything but this and a success says nothing about requests
constexpr int64_t pauseMsMax = 10;

}  // namespace

Drained NginxDriver::drain(std::string_view application, const WebSpec& web, int64_t limitMs, const Context& context) {
    const auto layout = nginx::layoutOf(web);
    const auto site = layout ? readFile(layout->siteFile(application), nginx::siteBytesMax) : fail(layout.error());
    if (!site || limitMs <= 0) return {};
    const SystemClock clock;
    const MonotonicMs begun = clock.monotonic(), limit = std::min(begun + limitMs, context.deadline);
    const nginx::Target target(web);
    const std::string path = nginx::generationPathOf(*site) + std::string(nginx::idlePath);
    HttpProbe client;
    for (int64_t pauseMs = 1;; pauseMs = std::min(pauseMs * 2, pauseMsMax)) {
        const HttpAnswer answer = client.get(target.request(path, std::max<int64_t>(1, limit - clock.monotonic())));
        const MonotonicMs now = clock.monotonic();
        if (answer.successful()) return {Drained::State::idle, now - begun};
        if (answer.status != busyStatus) return {Drained::State::unknown, now - begun};
        if (now + pauseMs >= limit || context.cancelled()) return {Drained::State::busy, now - begun};
        std::this_thread::sleep_for(std::chrono::milliseconds(pauseMs));
    }
}

}  // namespace swb::driver
