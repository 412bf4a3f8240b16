// What is prepared in an nginx that others use too, and what is taken back when it does not work.
#include "driver/nginx/nginx_driver.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "driver/nginx/nginx_test_support.h"
#include "driver/nginx/site.h"
#include "driver/support/http_probe.h"

namespace swb::driver::test {
namespace {

using testing::HasSubstr;

TEST_F(NginxTest, theStateSurvivesReloadsRestartsAndPreparingAgain) {
    Upstream upstream("fra");
    const uint16_t port = freePort();
    WebSpec web = webFor(upstream, port);
    prepare(web, {}, "shop-fra", MaintenanceMode::page);
    EXPECT_EQ(Connection(port).ask("GET", "/").status, 503);
    prepare(web, {}, "shop-fra", MaintenanceMode::off);
    MaintenanceSpec changed;
    changed.retryAfterSeconds = 99;
    prepare(web, changed, "shop-fra", MaintenanceMode::off);
    EXPECT_TRUE(soon([&] { return Connection(port).ask("GET", "/").has("Retry-After: 99"); }));
    ASSERT_TRUE(driver.stop(web, context()));
    EXPECT_EQ(driver.probe("shop-fra", web, context()).status, 0);
    NginxDriver next;  // of an agent that was started anew
    const auto running = next.ensureRunning(web, context());
    ASSERT_TRUE(running) << describe(running.error());
    EXPECT_TRUE(booleanAt(*running, "started"));
    EXPECT_FALSE(booleanAt(*next.ensureRunning(web, context()), "started"));
    EXPECT_EQ(next.maintenance("shop-fra", web, context()), MaintenanceMode::page);
    EXPECT_TRUE(next.probe("shop-fra", web, context()).maintenance);
    set(web, MaintenanceMode::off);
    EXPECT_EQ(next.maintenance("shop-fra", web, context()), MaintenanceMode::off);
    prepare(web, changed, "shop-fra", MaintenanceMode::page);
    EXPECT_EQ(Connection(port).ask("GET", "/").status, 200);
}

TEST_F(NginxTest, preparingTheSameAgainReloadsNothing) {
    Upstream upstream("fra");
    const uint16_t port = freePort();
    const WebSpec web = webFor(upstream, port);
    prepare(web);
    Connection idle(port);
    ASSERT_EQ(idle.ask("GET", "/").status, 200);
    const auto again = driver.prepare("shop-fra", web, {}, MaintenanceMode::off, context());
    ASSERT_TRUE(again);
    EXPECT_FALSE(booleanAt(*again, "changed"));
    EXPECT_EQ(idle.ask("GET", "/").status, 200);
    EXPECT_EQ(textAt(*again, "config"), directory.path() + "/sites/swingbridge-shop-fra.conf");
}

TEST_F(NginxTest, twoApplicationsShareOneNginx) {
    Upstream fra("fra"), blog("blog");
    const uint16_t port = freePort();
    WebSpec shopWeb = webFor(fra, port), blogWeb = webFor(blog, port);
    shopWeb.serverName = "shop.example";
    blogWeb.serverName = "blog.example";
    MaintenanceSpec maintenance;
    maintenance.bypassCookie = "Operator-0123456789";
    // The longest names there are, alike in their beginning.
    const std::string longest(60, 'a');
    prepare(shopWeb, maintenance, longest + "-1");
    prepare(blogWeb, maintenance, longest + "-2");
    set(shopWeb, MaintenanceMode::page, longest + "-1");
    EXPECT_EQ(Connection(port).ask("GET", "/").status, 503);
    HttpProbe client;
    EXPECT_EQ(client.get({"http://blog.example:" + std::to_string(port) + "/", {"127.0.0.1", port}, {}, 1000}).status,
              200);
    EXPECT_FALSE(driver.probe(longest + "-2", blogWeb, context()).maintenance);

    const auto removed = driver.remove(longest + "-1", shopWeb, context());
    ASSERT_TRUE(removed) << describe(removed.error());
    EXPECT_FALSE(fileExists(textAt(*removed, "config")));
    EXPECT_EQ(driver.maintenance(longest + "-1", shopWeb, context()), MaintenanceMode::off);
    EXPECT_EQ(driver.probe(longest + "-2", blogWeb, context()).status, 200);
    EXPECT_FALSE(booleanAt(*driver.remove(longest + "-1", shopWeb, context()), "changed"));
}

TEST_F(NginxTest, anotherSiteOnTheSamePortAndNameIsRefusedAndTakenBack) {
    Upstream fra("fra"), blog("blog");
    const uint16_t port = freePort();
    prepare(webFor(fra, port));
    const auto second = driver.prepare("blog", webFor(blog, port), {}, MaintenanceMode::page, context(1500));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::InUse);
    EXPECT_FALSE(fileExists(directory.path() + "/sites/swingbridge-blog.conf"));
    EXPECT_EQ(driver.maintenance("blog", webFor(blog, port), context()), MaintenanceMode::off);
    EXPECT_THAT(Connection(port).ask("GET", "/").body, HasSubstr("fra\n"));
}

TEST_F(NginxTest, aPortOfAnotherProgramIsRefusedAndTakenBack) {
    Upstream fra("fra"), other("other");
    const uint16_t port = freePort();
    prepare(webFor(fra, port));
    const WebSpec taken = webFor(fra, other.port());
    const auto refused = driver.prepare("blog", taken, {}, MaintenanceMode::off, context(1500));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::VerificationFailed) << describe(refused.error());
    EXPECT_FALSE(fileExists(directory.path() + "/sites/swingbridge-blog.conf"));
    EXPECT_THAT(Connection(port).ask("GET", "/").body, HasSubstr("fra\n"));
}

TEST_F(NginxTest, aConfigurationThatNginxRefusesIsTakenBack) {
    Upstream upstream("fra");
    const uint16_t port = freePort();
    WebSpec web = webFor(upstream, port);
    prepare(web);
    const std::string site = directory.path() + "/sites/swingbridge-shop-fra.conf";
    const std::string before = *readFile(site);
    web.certificate = web.key = directory.path() + "/missing.pem";
    const auto refused = driver.prepare("shop-fra", web, {}, MaintenanceMode::off, context());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::CommandFailed);
    EXPECT_THAT(refused.error().message, HasSubstr("missing.pem"));
    EXPECT_EQ(*readFile(site), before);
    EXPECT_EQ(Connection(port).ask("GET", "/").status, 200);
    EXPECT_TRUE(set(webFor(upstream, port), MaintenanceMode::page).maintenance);
}

TEST_F(NginxTest, aMainConfigurationWithoutTheIncludeIsRefused) {
    Upstream upstream("fra");
    ASSERT_TRUE(writeFileAtomically(config(),
                                    "pid \"" + directory.path() + "/nginx.pid\";\nerror_log \"" + directory.path() +
                                        "/error.log\";\nevents {}\nhttp { access_log off; }\n",
                                    0644));
    const auto refused = driver.prepare("shop-fra", webFor(upstream, freePort()), {}, MaintenanceMode::off, context());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::NotReady);
    EXPECT_THAT(refused.error().hint, HasSubstr("include \"" + directory.path() + "/sites/*.conf\""));
}

TEST_F(NginxTest, settingsOfTheWholeServerDoNotGetInTheWay) {
    Upstream upstream("fra");
    const uint16_t port = freePort();
    const std::string& base = directory.path();
    ASSERT_TRUE(
        writeFileAtomically(config(),
                            "pid \"" + base + "/nginx.pid\";\nerror_log \"" + base +
                                "/error.log\";\nevents {}\nhttp { access_log off; open_file_cache max=100;\n"
                                "open_file_cache_valid 60s; open_file_cache_errors on; proxy_intercept_errors on;\n"
                                "client_max_body_size 1; limit_req_zone $uri zone=few:1m rate=1r/m;\n"
                                "limit_req zone=few; limit_req_status 503; include " +
                                base + "/sites/*.conf; }\n",
                            0644));
    const WebSpec web = webFor(upstream, port);
    prepare(web);
    Connection visitor(port);
    EXPECT_EQ(visitor.ask("GET", "/first", "", "two bytes").status, 200);
    const Reply limited = visitor.ask("GET", "/first");
    EXPECT_EQ(limited.status, 503);
    EXPECT_FALSE(limited.has("Swingbridge-Maintenance"));
    EXPECT_FALSE(visitor.ask("GET", "/broken").has("Swingbridge-Maintenance"));
    EXPECT_LT(set(web, MaintenanceMode::page).milliseconds, 2000);
    EXPECT_TRUE(visitor.ask("GET", "/second").has("Swingbridge-Maintenance: page"));
    set(web, MaintenanceMode::off);
}

TEST_F(NginxTest, anAddressThatIsTranslatedOnTheWayListensEverywhere) {
    Upstream upstream("fra");
    const uint16_t port = freePort();
    WebSpec web = webFor(upstream, port);
    web.address = "203.0.113.10";
    prepare(web);
    EXPECT_EQ(driver.probe("shop-fra", web, context()).address, "127.0.0.1:" + std::to_string(port));
    EXPECT_TRUE(set(web, MaintenanceMode::page).maintenance);
}

}  // namespace
}  // namespace swb::driver::test
