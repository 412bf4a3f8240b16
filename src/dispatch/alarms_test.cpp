#include "dispatch/alarms.h"

#include <gtest/gtest.h>

#include <future>

namespace swb::dispatch {
namespace {

TEST(Alarms, RingAtTheirTimeInOrderAndOnce) {
    const SystemClock clock;
    Alarms alarms(clock);
    std::promise<void> last;
    std::mutex mutex;
    std::string rung;
    const auto ring = [&](char c) {
        const std::lock_guard lock(mutex);
        rung += c;
    };
    alarms.set("b", clock.now() + 60, [&] {
        ring('b');
        last.set_value();
    });
    alarms.set("a", clock.now() + 20, [&] { ring('a'); });
    alarms.set("gone", clock.now() + 10, [&] { ring('x'); });
    EXPECT_TRUE(alarms.cancel("gone"));
    EXPECT_FALSE(alarms.cancel("gone"));
    ASSERT_EQ(last.get_future().wait_for(std::chrono::seconds(5)), std::future_status::ready);
    const std::lock_guard lock(mutex);
    EXPECT_EQ(rung, "ab");
}

TEST(Alarms, TheSameIdAgainReplacesAndTheEndDoesNotWait) {
    const SystemClock clock;
    auto alarms = std::make_unique<Alarms>(clock);
    std::promise<int> rung;
    alarms->set("a", clock.now() + 3'600'000, [&] { rung.set_value(1); });
    alarms->set("a", clock.now() - 1, [&] { rung.set_value(2); });
    EXPECT_EQ(rung.get_future().get(), 2);
    alarms->set("far", clock.now() + 3'600'000, [] { FAIL(); });
    alarms.reset();
}

}  // namespace
}  // namespace swb::dispatch
