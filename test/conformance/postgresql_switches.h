// Switches to and fro under writers, by the driver's verbs in their order; and what has to be true after them.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "driver/postgresql/connection.h"
#include "support/postgresql_fixture.h"

namespace swb::test {

// Writes to whichever side takes it, and remembers what was confirmed.
class Writer {
  public:
    Writer(PostgresqlWorld& world, int number) : world_(world), number_(number), thread_([this] { run(); }) {}
    std::vector<std::string> end() {
        stop_ = true;
        thread_.join();
        return std::move(confirmed_);
    }

  private:
    void run() {
        std::optional<driver::postgresql::Connection> connection;
        for (int count = 0; !stop_; ++count) {
            const auto deadline = SystemClock().monotonic() + 10'000;
            if (!connection) {
                const DatabaseSpec& spec = (count % 2 ? world_.a() : world_.b()).spec;
                auto opened = driver::postgresql::Connection::open({{"host", spec.service.socket},
                                                                    {"port", std::to_string(spec.address.port)},
                                                                    {"user", "shop"},
                                                                    {"dbname", "shop"}},
                                                                   postgresqlUser(), deadline);
                if (opened) connection = std::move(*opened);
            }
            const std::string tag = std::to_string(number_) + "-" + std::to_string(count);
            if (connection && connection->query("INSERT INTO items (tag) VALUES ($1)", {tag}, deadline))
                confirmed_.push_back(tag);
            else
                connection.reset();
            ::usleep(2000);
        }
    }

    PostgresqlWorld& world_;
    const int number_;
    std::atomic<bool> stop_{false};
    std::vector<std::string> confirmed_;
    std::thread thread_;
};

// The two sides are linked, and a has been the primary of one timeline. Nothing acknowledged is lost or doubled,
// nothing rewound; at least `confirmedAtLeast` rows were written.
inline void switchToAndFro(PostgresqlWorld& world, int switches, size_t confirmedAtLeast) {
    constexpr int writers = 3;
    world.sql(world.a(), "ALTER TABLE public.items DROP CONSTRAINT items_tag_key");  // nothing hides a second time
    DatabaseSide *current = &world.a(), *standby = &world.b();
    std::vector<std::unique_ptr<Writer>> running;
    for (int number = 0; number < writers; ++number) running.push_back(std::make_unique<Writer>(world, number));
    for (int round = 0; round < switches && !::testing::Test::HasFailure(); ++round) {
        const auto done = [&]() -> Result<Json> {
            TRY(current->driver->prepareSwitchSource(current->spec, standby->slot, current->context()));
            TRY(standby->driver->prepareSwitchReplica(standby->spec, current->peer(), 1 << 20, standby->context()));
            const auto token = TRY(current->driver->fence(current->spec, round + 2, current->context()));
            TRY(standby->driver->awaitToken(standby->spec, token, standby->context()));
            TRY(standby->driver->promote(standby->spec, token, standby->context()));
            TRY(standby->driver->prepareSource(standby->spec, standby->application, current->peer(), current->slot,
                                               standby->context()));
            return current->driver->rejoin(current->spec, current->application, standby->peer(), current->slot, token,
                                           current->context());
        }();
        EXPECT_TRUE(done) << round << ": " << describe(done.error());
        if (!done) break;
        EXPECT_FALSE(booleanAt(*done, "rewound"));
        for (DatabaseSide* side : {current, standby}) (void)side->driver->endSwitch(side->spec, side->context());
        std::swap(current, standby);
    }
    std::multiset<std::string> confirmed;
    for (auto& writer : running)
        for (const std::string& tag : writer->end()) confirmed.insert(tag);
    EXPECT_GT(confirmed.size(), confirmedAtLeast);
    const std::set<std::string> present = world.tags(*current);
    size_t lost = 0;
    for (const std::string& tag : confirmed) lost += present.count(tag) == 0;
    EXPECT_EQ(lost, 0U) << "of " << confirmed.size();
    EXPECT_EQ(world.sql(*current, "SELECT count(*) - count(DISTINCT tag) FROM public.items"), "0") << "doubled";
    for (int i = 0; i < 1000 && world.tags(*standby) != present; ++i) ::usleep(5000);
    EXPECT_EQ(world.tags(*standby), present);
    EXPECT_EQ(world.sql(*current, "SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int"),
              std::to_string(switches + 1))
        << "one timeline for each switch";
}

}  // namespace swb::test
