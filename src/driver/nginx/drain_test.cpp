// Requests in flight: a real nginx counts them.
#include "driver/nginx/nginx_driver.h"

#include <gmock/gmock.h>

#include "driver/nginx/nginx_test_support.h"

namespace swb::driver::test {
namespace {

TEST_F(NginxTest, requestsInFlightAreWaitedForAndNotForLonger) {
    Upstream upstream("fra");
    const uint16_t port = freePort();
    const WebSpec web = webFor(upstream, port);
    prepare(web);
    const auto drain = [&](int64_t limitMs) { return driver.drain("shop-fra", web, limitMs, context()); };
    Connection idle(port), upgraded(port);
    ASSERT_EQ(idle.ask("GET", "/").status, 200);
    std::thread socket([&] { upgraded.ask("GET", "/slow", "Connection: Upgrade\r\nUpgrade: websocket\r\n"); });
    Reply answer;
    std::thread visitor([&] { answer = Connection(port).ask("POST", "/slow", "", "order"); });
    while (upstream.requests() < 3) std::this_thread::yield();
    set(web, MaintenanceMode::page);
    const Drained cut = drain(100);
    EXPECT_EQ(cut.state, Drained::State::busy);
    EXPECT_GE(cut.milliseconds, 80);
    EXPECT_LT(cut.milliseconds, 300);
    // The visitor's own request holds it up; the page's do not.
    EXPECT_EQ(idle.ask("GET", "/").status, 503);
    std::thread later([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        upstream.slowAnswers = true;
    });
    const Drained waited = drain(5000);
    EXPECT_EQ(waited.state, Drained::State::idle);
    EXPECT_GE(waited.milliseconds, 150);
    EXPECT_LT(waited.milliseconds, 2000);
    for (std::thread* thread : {&later, &visitor, &socket}) thread->join();
    EXPECT_EQ(answer.status, 200);
    EXPECT_LT(drain(5000).milliseconds, 100) << "nobody is there";
}

TEST_F(NginxTest, aSocketHoldsNothingUpAndNeitherDoesASiteThatDoesNotCount) {
    Upstream upstream("fra");
    const uint16_t port = freePort();
    const WebSpec web = webFor(upstream, port);
    prepare(web);
    Connection upgraded(port), visitor(port);
    std::thread socket([&] { upgraded.ask("GET", "/slow", "Connection: Upgrade\r\nUpgrade: websocket\r\n"); });
    while (upstream.requests() < 1) std::this_thread::yield();
    set(web, MaintenanceMode::page);
    EXPECT_EQ(driver.drain("shop-fra", web, 2000, context()).state, Drained::State::idle);
    set(web, MaintenanceMode::off);
    MaintenanceSpec without;
    without.drainMs = 0;
    prepare(web, without);
    std::thread request([&] { visitor.ask("GET", "/slow"); });
    while (upstream.requests() < 2) std::this_thread::yield();
    set(web, MaintenanceMode::page);
    EXPECT_EQ(driver.drain("shop-fra", web, 2000, context()).state, Drained::State::unknown);
    upstream.slowAnswers = true;
    socket.join();
    request.join();
}

}  // namespace
}  // namespace swb::driver::test
