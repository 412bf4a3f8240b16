// The example application on every engine at once: what it confirms is in all of them, whatever one of them does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "driver/nginx/nginx_test_support.h"
#include "driver/process_driver.h"
#include "driver/support/files.h"
#include "support/mariadb_fixture.h"
#include "support/postgresql_fixture.h"
#include "support/redis_fixture.h"

namespace swb::test {
namespace {

using driver::test::Connection;
using driver::test::Reply;
using testing::HasSubstr;
using testing::Not;

const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";

class ShopEnginesTest : public testing::Test {
  protected:
    ShopEnginesTest() {
        directory = makeTestDirectory("shop");
        postgresql = makePostgresqlServer(directory, "127.0.0.1", {});
        mariadb = makeMariadbServer(directoryFor("mariadb", mariadbUser()), "127.0.0.1", "");
        redis = makeRedisServer(directoryFor("redis", redisUser()), "127.0.0.1", "appendonly yes\n");
        startRedisServer(redis);
        shop.name = "web";
        shop.command = {shopDirectory() + "/shop.py", "--listen", "127.0.0.1:" + std::to_string(port)};
        shop.health = "http://127.0.0.1:" + std::to_string(port) + "/healthz";
        shop.environment = environment();
        worker.name = "worker";
        worker.command = {shopDirectory() + "/shop_worker.py"};
        worker.environment = environment();
        worker.writes = true;
        EXPECT_TRUE(processes->apply("shop-fra", shop, {}, context()));
        const auto healthy = processes->awaitHealthy("shop-fra", shop, context());
        EXPECT_TRUE(healthy) << (healthy ? "" : describe(healthy.error()));
        EXPECT_TRUE(soon([&] { return order("first").status == 201; })) << get("/healthz").body;
    }
    ~ShopEnginesTest() override {
        (void)processes->stop("shop-fra", shop, context());
        (void)processes->stop("shop-fra", worker, context());
        killPostgresqlServer(postgresql);
        killMariadbServer(mariadb);
        stopRedisServer(redis, SIGKILL);
        (void)driver::removeTree(directory);
    }

    static std::string shopDirectory() { return std::string(SWB_SOURCE_DIR) + "/examples/shop"; }
    std::string directoryFor(const std::string& name, const driver::OsUser& user) const {
        const std::string path = directory + "/" + name;
        std::filesystem::create_directory(path);
        EXPECT_TRUE(::geteuid() != 0 || ::chown(path.c_str(), user.uid, user.gid) == 0);
        return path;
    }
    driver::Context context() const {
        driver::Context out;
        out.deadline = SystemClock().monotonic() + 10'000;
        out.stateDirectory = directory + "/agent";
        return out;
    }
    std::map<std::string, std::string> environment() const {
        return {{"POSTGRESQL_ADDRESS", postgresql.address.text()},
                {"POSTGRESQL_DATABASE", postgresql.database},
                {"POSTGRESQL_USERNAME", postgresql.user},
                {"MYSQL_ADDRESS", mariadb.address.text()},
                {"MYSQL_DATABASE", mariadb.database},
                {"MYSQL_USERNAME", mariadb.user},
                {"MYSQL_PASSWORD", "shop-password"},
                {"REDIS_ADDRESS", redis.address.text()},
                {"REDIS_USERNAME", redis.user},
                {"REDIS_PASSWORD", "shop-password"},
                {"SHOP_SITE", "fra"}};
    }
    Reply get(const std::string& path) const { return Connection(port).ask("GET", path); }
    Reply order(const std::string& tag) const {
        return Connection(port).ask("POST", "/orders", form, "product=tea&customer=Ada&tag=" + tag);
    }
    std::string count(const std::string& engine) const { return get("/orders/count?engine=" + engine).body; }
    // As MariaDB's administrator.
    void mariadbSql(const std::string& statement) const {
        driver::mariadb::Endpoint endpoint;
        endpoint.socket = mariadb.service.socket;
        endpoint.user = mariadb.service.superuser;
        const MonotonicMs deadline = SystemClock().monotonic() + 5000;
        const auto user = driver::osUserByName(endpoint.user);
        ASSERT_TRUE(user) << describe(user.error());
        auto connection = driver::mariadb::Connection::open(endpoint, *user, deadline);
        ASSERT_TRUE(connection) << describe(connection.error());
        const auto done = connection->execute(statement, deadline);
        ASSERT_TRUE(done) << describe(done.error());
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
    DatabaseSpec postgresql, mariadb, redis;
    uint16_t port = freePort("127.0.0.1");
    ProcessSpec shop, worker;
    std::unique_ptr<driver::ProcessDriver> processes = driver::makeProcessDriver();
};

TEST_F(ShopEnginesTest, anOrderIsInEveryDatabaseAndShippedThere) {
    const Reply made = order("second");
    EXPECT_EQ(made.status, 201);
    const Json answer = *parseJson(made.body);
    EXPECT_EQ(answer.at("ids").as_object().size(), 3u) << made.body;
    EXPECT_EQ(integerAt(answer, "id"), integerAt(answer.at("ids"), "postgresql"));
    ASSERT_TRUE(processes->apply("shop-fra", worker, {}, context()));
    for (const std::string engine : {"postgresql", "mariadb", "redis"}) {
        const std::string path = "/orders?engine=" + engine;
        EXPECT_TRUE(soon([&] { return get(path).body.find("\"shippedAt\": null") == std::string::npos; })) << engine;
        const Json page = *parseJson(get(path + "&limit=1&after=1").body);
        ASSERT_EQ(page.at("orders").as_array().size(), 1u) << engine;
        EXPECT_EQ(textAt(page.at("orders").as_array()[0], "tag"), "second") << engine;
        EXPECT_EQ(textAt(page.at("orders").as_array()[0], "customer"), "Ada") << engine;
        EXPECT_EQ(integerAt(page, "next"), 2) << engine;
        EXPECT_EQ(count(engine), "{\"orders\": 2, \"tags\": 2, \"doubled\": 0}\n") << engine;
    }
    EXPECT_EQ(order("second").status, 201);
    for (const std::string engine : {"postgresql", "mariadb", "redis"})
        EXPECT_EQ(count(engine), "{\"orders\": 3, \"tags\": 2, \"doubled\": 1}\n") << engine;
    EXPECT_EQ(get("/orders?engine=mongodb").status, 400);
    EXPECT_THAT(get("/").body, HasSubstr("3 orders"));
}

TEST_F(ShopEnginesTest, aClosedDatabaseKeepsOrdersFromBeingConfirmed) {
    mariadbSql("SET GLOBAL read_only = 1");
    const Reply refused = order("refused");
    EXPECT_EQ(refused.status, 503);
    EXPECT_THAT(refused.body, HasSubstr("written in part: postgresql\""));
    EXPECT_TRUE(soon([&] { return get("/healthz").body.find("\"mariadb\": \"read-only\"") != std::string::npos; }));
    EXPECT_THAT(get("/healthz").body, HasSubstr("\"database\": \"read-only\""));
    EXPECT_THAT(get("/orders?engine=redis").body, Not(HasSubstr("refused")));
    mariadbSql("SET GLOBAL read_only = 0");
    // Its connections are ended too, as a fence ends them: the next order does not notice.
    mariadbSql("KILL CONNECTION USER shop");
    EXPECT_EQ(order("afterwards").status, 201);

    stopRedisServer(redis, SIGKILL);
    EXPECT_THAT(order("half").body, HasSubstr("written in part: postgresql, mariadb"));
    EXPECT_TRUE(soon([&] { return get("/healthz").body.find("\"redis\": \"unreachable\"") != std::string::npos; }));
    EXPECT_EQ(get("/").status, 200) << "the page needs the first database only";
    startRedisServer(redis);
    EXPECT_EQ(order("at last").status, 201);
    EXPECT_EQ(count("redis"), "{\"orders\": 3, \"tags\": 3, \"doubled\": 0}\n");
}

TEST_F(ShopEnginesTest, everyConfirmedOrderIsEverywhereOnceWhateverDies) {
    std::atomic<bool> stop = false;
    std::atomic<int> other = 0;
    std::mutex mutex;
    std::vector<std::string> confirmed;
    std::vector<std::thread> customers;
    for (int number = 0; number < 4; ++number)
        customers.emplace_back([&, number] {
            Connection connection(port);
            for (int i = 0; !stop; ++i) {
                const std::string tag = std::to_string(number) + "-" + std::to_string(i);
                const int status =
                    connection.ask("POST", "/orders", form, "product=tea&customer=Ada&tag=" + tag).status;
                if (status != 201 && status != 503) ++other;
                const std::scoped_lock lock(mutex);
                if (status == 201) confirmed.push_back(tag);
            }
        });
    const auto moreConfirmed = [&] {
        const auto size = [&] {
            const std::scoped_lock lock(mutex);
            return confirmed.size();
        };
        return soon([&, before = size()] { return size() > before + 30; });
    };
    for (int round = 0; round < 3; ++round) {
        EXPECT_TRUE(moreConfirmed());
        stopRedisServer(redis, SIGKILL);
        startRedisServer(redis);
        EXPECT_TRUE(moreConfirmed());
        mariadbSql("KILL CONNECTION USER shop");
    }
    stop = true;
    for (std::thread& customer : customers) customer.join();
    EXPECT_EQ(other, 0);
    for (const std::string engine : {"postgresql", "mariadb", "redis"}) {
        std::map<std::string, int> seen;
        const Json page = *parseJson(get("/orders?limit=10000&engine=" + engine).body, 16 << 20);
        for (const Json& one : page.at("orders").as_array()) ++seen[textAt(one, "tag")];
        for (const std::string& tag : confirmed) ASSERT_EQ(seen[tag], 1) << engine << " " << tag;
        EXPECT_THAT(count(engine), HasSubstr("\"doubled\": 0")) << engine;
    }
}

}  // namespace
}  // namespace swb::test
