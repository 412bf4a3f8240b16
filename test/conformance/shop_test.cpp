// The example application as a visitor and a switch see it: run by the process driver, behind a real nginx, on a real
// PostgreSQL that is stopped, comes back as a standby and is promoted, all under load.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "driver/nginx/nginx_driver.h"
#include "driver/nginx/nginx_test_support.h"
#include "driver/process_driver.h"
#include "driver/support/files.h"
#include "driver/support/program.h"
#include "support/postgresql_fixture.h"

namespace swb::test {
namespace {

using driver::test::Connection;
using driver::test::Reply;
using testing::HasSubstr;

std::string shopDirectory() {
    return std::string(SWB_SOURCE_DIR) + "/examples/shop";
}

const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
const std::string json = "Content-Type: application/json\r\n";

class ShopTest : public testing::Test {
  protected:
    ShopTest() {
        directory = makeTestDirectory("shop");
        database = makePostgresqlServer(directory, "127.0.0.1", {});
        appPort = freePort("127.0.0.1");
        shop.name = "web";
        shop.command = {shopDirectory() + "/shop.py", "--listen", "127.0.0.1:" + std::to_string(appPort)};
        shop.health = "http://127.0.0.1:" + std::to_string(appPort) + "/healthz";
        shop.onChange = OnChange::reload;
        worker.name = "worker";
        worker.command = {shopDirectory() + "/shop_worker.py"};
        worker.writes = true;
        front.server = "fra-1";
        front.address = "127.0.0.1";
        front.listen = {std::to_string(freePort("127.0.0.1"))};
        front.upstream = {"127.0.0.1", appPort};
        front.service.config = directory + "/nginx/nginx.conf";
        startShop("online");
        const auto prepared = nginx.prepare("shop-fra", front, {}, driver::MaintenanceMode::off, context());
        EXPECT_TRUE(prepared) << (prepared ? "" : describe(prepared.error()));
    }
    ~ShopTest() override {
        (void)processes->stop("shop-fra", shop, context());
        (void)processes->stop("shop-fra", worker, context());
        (void)nginx.stop(front, context());
        killPostgresqlServer(database);
        (void)driver::removeTree(directory);
    }

    driver::Context context() const {
        driver::Context out;
        out.deadline = SystemClock().monotonic() + 10'000;
        out.stateDirectory = directory + "/agent";
        return out;
    }
    std::map<std::string, std::string> environment(const std::string& status) const {
        return {{"POSTGRESQL_ADDRESS", database.address.text()},
                {"POSTGRESQL_DATABASE", database.database},
                {"POSTGRESQL_USERNAME", database.user},
                {"POSTGRESQL_PASSWORD", "not \"used\" here"},
                {"FAILOVER_STATUS", status},
                {"SHOP_SITE", "fra"}};
    }
    void startShop(const std::string& status) {
        EXPECT_TRUE(processes->writeEnvironment("shop-fra", environment(status), context()));
        EXPECT_TRUE(processes->apply("shop-fra", shop, environment(status), context()));
        const auto healthy = processes->awaitHealthy("shop-fra", shop, context());
        EXPECT_TRUE(healthy) << (healthy ? "" : describe(healthy.error()));
    }
    uint16_t port() const { return static_cast<uint16_t>(std::stoi(front.listen.front())); }
    Reply get(const std::string& path) const { return Connection(port()).ask("GET", path); }
    Reply order(const std::string& tag, const std::string& headers = {}) const {
        return Connection(port()).ask("POST", "/orders", form + headers, "product=tea&customer=Ada&tag=" + tag);
    }
    void stopDatabase() const {
        driver::ProgramCall call;
        call.argv = {database.service.bin + "/pg_ctl", "-D", database.service.data, "-m", "fast", "-w", "stop"};
        call.user = postgresqlUser();
        ASSERT_TRUE(driver::runChecked(call, context()));
    }
    void startDatabase() const {
        driver::DetachedProgram server;
        server.argv = {database.service.bin + "/postgres", "-D", database.service.data};
        server.user = postgresqlUser();
        server.logFile = directory + "/socket/log";
        ASSERT_TRUE(driver::spawnDetached(server));
        ASSERT_TRUE(soon([&] { return runSql(database, "SELECT 1").has_value(); }));
    }
    static bool soon(const std::function<bool()>& condition) {
        const auto deadline = SystemClock().monotonic() + 10'000;
        while (!condition()) {
            if (SystemClock().monotonic() > deadline) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return true;
    }

    std::string directory;
    DatabaseSpec database;
    uint16_t appPort = 0;
    ProcessSpec shop, worker;
    WebSpec front;
    std::unique_ptr<driver::ProcessDriver> processes = driver::makeProcessDriver();
    driver::NginxDriver nginx;
};

TEST_F(ShopTest, takesShowsAndShipsOrders) {
    ASSERT_TRUE(soon([&] { return order("first").status == 201; }));
    const Reply page = get("/");
    EXPECT_EQ(page.status, 200);
    EXPECT_THAT(page.body, HasSubstr("The Chandlery"));
    EXPECT_THAT(page.body, HasSubstr("site <strong>fra</strong>"));
    EXPECT_THAT(page.body, HasSubstr("<strong class=\"online\">online</strong> · 1 orders"));
    Connection visitor(port());
    const Reply made = visitor.ask("POST", "/orders", json,
                                   R"({"product": "rope", "quantity": 3, "customer": "<b>Eve</b>", "tag": "t-2"})");
    EXPECT_EQ(made.status, 201);
    EXPECT_EQ(textAt(*parseJson(made.body), "tag"), "t-2");
    EXPECT_EQ(visitor.ask("POST", "/orders", form + "Accept: text/html\r\n", "product=tea&customer=Bo").status, 303);
    EXPECT_THAT(get("/").body, HasSubstr("&lt;b&gt;Eve&lt;/b&gt;"));
    for (const std::string& body :
         {std::string("{"), std::string("[]"), std::string(R"({"product": "gold", "customer": "x"})"),
          std::string(R"({"product": "tea", "customer": "x", "quantity": 0})"),
          std::string(R"({"product": "tea", "customer": ""})"),
          R"({"product": "tea", "customer": "x", "tag": ")" + std::string(300, 't') + "\"}"})
        EXPECT_EQ(visitor.ask("POST", "/orders", json, body).status, 400) << body;
    EXPECT_EQ(visitor.ask("GET", "/nowhere").status, 404);
    EXPECT_EQ(get("/orders?after=x").status, 400);
    const Json two = *parseJson(get("/orders?after=1&limit=1").body);
    EXPECT_EQ(textAt(two.at("orders").as_array().at(0), "customer"), "<b>Eve</b>");
    EXPECT_EQ(integerAt(two, "next"), 2);
    EXPECT_EQ(order("t-2").status, 201);
    EXPECT_EQ(get("/orders/count").body, "{\"orders\": 4, \"tags\": 2, \"doubled\": 1}\n");

    ASSERT_TRUE(processes->apply("shop-fra", worker, environment("online"), context()));
    EXPECT_TRUE(
        soon([&] { return *runSql(database, "SELECT count(*) FROM orders WHERE shipped_at IS NULL", "shop") == "0"; }));
    const double started = preciseMs();
    ASSERT_TRUE(processes->stop("shop-fra", worker, context()));
    EXPECT_LT(preciseMs() - started, 1000);
}

TEST_F(ShopTest, theEnvironmentIsReadAgainWithoutDroppingARequest) {
    ASSERT_TRUE(soon([&] { return order("before").status == 201; }));
    std::atomic<bool> stop = false;
    std::atomic<int> bad = 0, good = 0;
    std::thread visitor([&] {
        Connection connection(port());
        for (int number = 0; !stop; ++number)
            (connection.ask("POST", "/orders", form, "product=tea&customer=Ada&tag=r" + std::to_string(number))
                         .status == 201
                 ? good
                 : bad)++;
    });
    const int pid = processes->inspect("shop-fra", shop, context()).pid;
    for (const char* status : {"offline", "online", "offline"}) {
        startShop(status);
        EXPECT_TRUE(soon([&] { return get("/healthz").body.find(status) != std::string::npos; })) << status;
    }
    stop = true;
    visitor.join();
    EXPECT_EQ(bad, 0);
    EXPECT_GT(good, 0);
    EXPECT_EQ(processes->inspect("shop-fra", shop, context()).pid, pid);
    EXPECT_THAT(get("/").body, HasSubstr("class=\"offline\""));
}

// What acknowledged means to the load's score: every 201 is in the database, exactly once.
TEST_F(ShopTest, outlivesItsDatabaseAndKeepsItsWord) {
    ASSERT_TRUE(soon([&] { return order("before").status == 201; }));
    std::atomic<bool> stop = false;
    std::atomic<int> acknowledged = 0, unavailable = 0, other = 0;
    std::mutex mutex;
    std::vector<std::string> tags;
    double slowest = 0;
    std::vector<std::thread> visitors;
    for (int number = 0; number < 6; ++number)
        visitors.emplace_back([&, number] {
            Connection visitor(port());
            for (int i = 0; !stop; ++i) {
                const std::string tag = std::to_string(number) + "-" + std::to_string(i);
                const double started = preciseMs();
                const int status = visitor.ask("POST", "/orders", form, "product=tea&customer=Ada&tag=" + tag).status;
                const std::scoped_lock lock(mutex);
                slowest = std::max(slowest, preciseMs() - started);
                (status == 201 ? acknowledged : status == 503 ? unavailable : other)++;
                if (status == 201) tags.push_back(tag);
            }
        });
    const auto more = [&](std::atomic<int>& counter) {
        const int now = counter;
        return soon([&counter, now] { return counter > now + 20; });
    };
    EXPECT_TRUE(more(acknowledged));
    stopDatabase();
    EXPECT_TRUE(more(unavailable));
    EXPECT_EQ(get("/").status, 200);
    EXPECT_TRUE(soon([&] { return get("/healthz").body.find("unreachable") != std::string::npos; }));
    // As at the other site of a failover group: a standby, then promoted, and nobody restarts the application.
    ASSERT_TRUE(driver::writeFileAs(postgresqlUser(), database.service.data + "/standby.signal", "", 0600));
    startDatabase();
    EXPECT_TRUE(more(unavailable));
    EXPECT_TRUE(soon([&] { return get("/healthz").body.find("read-only") != std::string::npos; }));
    EXPECT_EQ(get("/healthz").status, 200);
    EXPECT_THAT(order("refused").body, HasSubstr("\"outcome\": \"not written\""));
    EXPECT_THAT(get("/orders/count").body, HasSubstr("\"doubled\": 0"));
    ASSERT_TRUE(runSql(database, "SELECT pg_promote()"));
    EXPECT_TRUE(more(acknowledged));
    stop = true;
    for (std::thread& visitor : visitors) visitor.join();
    EXPECT_EQ(other, 0);
    EXPECT_LT(slowest, 2500) << "a request hung";
    for (const std::string& tag : tags)
        ASSERT_EQ(*runSql(database, "SELECT count(*) FROM orders WHERE tag = '" + tag + "'", "shop"), "1") << tag;
    EXPECT_THAT(get("/orders/count").body, HasSubstr("\"doubled\": 0"));
}

}  // namespace
}  // namespace swb::test
