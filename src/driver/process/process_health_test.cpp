// When a process counts as healthy, how long that is waited for, and what is said meanwhile.
#include <gmock/gmock.h>

#include "driver/process/process_test_support.h"

namespace swb::driver {
namespace {

using test::freePort;
using testing::HasSubstr;

TEST_F(ProcessTest, healthIsAwaitedAndBounded) {
    const uint16_t port = freePort();
    ProcessSpec spec = shell("sleep 0.2; exec python3 -m http.server --bind 127.0.0.1 " + std::to_string(port));
    spec.health = "http://127.0.0.1:" + std::to_string(port) + "/";
    apply(spec);
    const auto healthy = driver->awaitHealthy("shop-fra", spec, context());
    ASSERT_TRUE(healthy) << describe(healthy.error());
    EXPECT_TRUE(healthy->healthy);
    EXPECT_TRUE(driver->inspect("shop-fra", spec, context()).healthy);
    spec.health += "missing";
    Context watched = context(1500);
    std::string said;
    const UnixMs begun = SystemClock().now();
    watched.progress = [&](int64_t, int64_t, std::string_view sentence) { said = sentence; };
    const auto sick = driver->awaitHealthy("shop-fra", spec, watched);
    ASSERT_FALSE(sick);
    EXPECT_EQ(sick.error().code, ErrorCode::DeadlineExceeded);
    EXPECT_THAT(sick.error().message, HasSubstr("process web is not healthy: " + spec.health + " answers 404"));
    EXPECT_THAT(sick.error().message, HasSubstr("waited for since " + isoTime(begun).substr(0, 16)));
    EXPECT_EQ(said, sick.error().message) << "what was said while it was waited for";
}

TEST_F(ProcessTest, whatIsHealthyAtOnceIsNotTalkedAbout) {
    const ProcessSpec spec = shell("exec sleep 60");
    apply(spec);
    Context watched = context();
    watched.progress = [](int64_t, int64_t, std::string_view sentence) { ADD_FAILURE() << sentence; };
    EXPECT_TRUE(driver->awaitHealthy("shop-fra", spec, watched));
}

TEST_F(ProcessTest, aHealthUrlThatNobodyAnswersIsNamed) {
    ProcessSpec spec = shell("exec sleep 60");
    spec.health = "http://127.0.0.1:" + std::to_string(freePort()) + "/healthz";
    apply(spec);
    const auto sick = driver->awaitHealthy("shop-fra", spec, context(400));
    ASSERT_FALSE(sick);
    EXPECT_THAT(sick.error().message, HasSubstr(spec.health + " does not answer: "));
}

TEST_F(ProcessTest, withoutAHealthUrlItHasToStayUp) {
    const double started = preciseMs();
    const ProcessSpec spec = shell("exec sleep 60");
    apply(spec);
    ASSERT_TRUE(driver->awaitHealthy("shop-fra", spec, context()));
    EXPECT_GE(preciseMs() - started, 195);
}

}  // namespace
}  // namespace swb::driver
