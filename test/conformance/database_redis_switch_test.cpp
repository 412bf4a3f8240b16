// Redis switches under load: what clients were told is on the new primary, once, whatever they tried.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "driver/redis/server_state.h"
#include "support/redis_traps.h"

namespace swb::test {

namespace redis = driver::redis;
using redis::Command;
using redis::Reply;

namespace {

// What was acknowledged, by all clients of a test together.
class Acknowledged {
  public:
    void add(const std::string& tag) {
        const std::lock_guard lock(mutex_);
        tags_.insert(tag);
        lastMs_ = preciseMs();
    }
    std::set<std::string> tags() const {
        const std::lock_guard lock(mutex_);
        return tags_;
    }

  private:
    mutable std::mutex mutex_;
    std::set<std::string> tags_;
    double lastMs_ = 0;
};

bool wasDone(const Result<std::vector<Reply>>& replies) {
    return replies && !replies->empty() &&
           std::none_of(replies->begin(), replies->end(), [](const Reply& reply) { return reply.isError(); }) &&
           replies->back().kind != Reply::Kind::nothing;
}

// Clients that hammer one server until the object ends. Each writes its tags by its own means.
class HostileClients {
  public:
    explicit HostileClients(const DatabaseSpec& spec) : spec_(spec) {}
    ~HostileClients() { stop(); }
    void stop() {
        stopped_ = true;
        for (auto& thread : threads_) thread.join();
        threads_.clear();
    }
    Acknowledged acknowledged;

    using Means = std::function<std::vector<Command>(const std::string& tag)>;
    // As the administrator on the socket, or as the application; a new connection for every write, or one.
    enum class Who { administrator, application };
    enum class Connections { one, new_each };
    void add(const std::string& name, Who who, Connections connections, Means means) {
        threads_.emplace_back([this, name, who, connections, means = std::move(means)] {
            std::optional<redis::Connection> connection;
            for (int number = 0; !stopped_; ++number) {
                if (!connection || connections == Connections::new_each) connection = open(who);
                if (!connection) {
                    ::usleep(1000);
                    continue;
                }
                const std::string tag = name + "-" + std::to_string(number);
                const auto replies = connection->callAll(means(tag), SystemClock().monotonic() + 150);
                if (wasDone(replies)) acknowledged.add(tag);
                if (!replies) connection.reset();
                ::usleep(300);
            }
        });
    }

  private:
    std::optional<redis::Connection> open(Who who) {
        if (who == Who::application) return applicationOf(spec_, 300);
        auto connection =
            redis::Connection::open({spec_.service.socket, {}, 0, std::nullopt}, SystemClock().monotonic() + 300);
        return connection ? std::optional(std::move(*connection)) : std::nullopt;
    }
    DatabaseSpec spec_;
    std::atomic<bool> stopped_ = false;
    std::vector<std::thread> threads_;
};

using Who = HostileClients::Who;
using Connections = HostileClients::Connections;

constexpr const char* functionCode =
    "#!lua name=swb\nredis.register_function('add', function(keys, arguments) "
    "return redis.call('SADD', keys[1], arguments[1]) end)";

void addWriters(HostileClients& clients, const DatabaseSpec& spec) {
    ask(spec, {"FUNCTION", "LOAD", "REPLACE", functionCode});
    const auto plain = [](const std::string& tag) { return std::vector<Command>{{"SADD", "tags", tag}}; };
    clients.add("application", Who::application, Connections::one, plain);
    clients.add("fresh", Who::application, Connections::new_each, plain);
    clients.add("administrator", Who::administrator, Connections::one, plain);
    clients.add("script", Who::application, Connections::one, [](const std::string& tag) {
        return std::vector<Command>{{"EVAL", "return redis.call('SADD', KEYS[1], ARGV[1])", "1", "tags", tag}};
    });
    clients.add("function", Who::administrator, Connections::one, [](const std::string& tag) {
        return std::vector<Command>{{"FCALL", "add", "1", "tags", tag}};
    });
    clients.add("transaction", Who::application, Connections::one, [](const std::string& tag) {
        return std::vector<Command>{{"MULTI"}, {"SADD", "tags", tag}, {"INCR", "counter"}, {"EXEC"}};
    });
    // Keys that expire all the time: the server deletes them by itself.
    clients.add("expiring", Who::application, Connections::one, [](const std::string& tag) {
        return std::vector<Command>{{"SET", "expiring:" + tag, "x", "PX", "20"}, {"SADD", "tags", tag}};
    });
    clients.add("publisher", Who::application, Connections::one, [](const std::string& tag) {
        return std::vector<Command>{{"PUBLISH", "news", tag}, {"SADD", "tags", tag}};
    });
    clients.add("waiter", Who::application, Connections::one, [](const std::string& tag) {
        return std::vector<Command>{{"SADD", "tags", tag}, {"WAIT", "5", "3"}};
    });
}

std::string offsetOf(const driver::Token& token) {
    const std::string end = swb::textAt(token.proof, "end");
    return end.substr(end.find(':') + 1);
}

}  // namespace

class RedisSwitch : public RedisTraps {
  protected:
    void expectAllOf(const std::set<std::string>& acknowledged, DatabaseSide& side) {
        const auto there = world->tags(side);
        std::vector<std::string> missing;
        std::set_difference(acknowledged.begin(), acknowledged.end(), there.begin(), there.end(),
                            std::back_inserter(missing));
        EXPECT_THAT(missing, ::testing::IsEmpty());
    }
};

TEST_F(RedisSwitch, NothingThatWasAcknowledgedIsBehindTheFence) {
    HostileClients clients(current->spec);
    addWriters(clients, current->spec);
    ::usleep(300'000);
    for (int round = 0; round < 5; ++round) {
        const auto token = fence();
        SWB_REQUIRE(token);
        SWB_REQUIRE(awaitToken(*token));
        const auto there = world->tags(*standby);
        ::usleep(250'000);
        // Neither they nor the server itself, which has keys to expire, went on.
        expectAllOf(clients.acknowledged.tags(), *standby);
        EXPECT_EQ(world->tags(*current), there);
        EXPECT_EQ(infoOf(current->spec, "master_repl_offset"), offsetOf(*token));
        SWB_REQUIRE(unfence());
        ::usleep(100'000);
    }
    const size_t soFar = clients.acknowledged.tags().size();
    const auto token = fence();
    SWB_REQUIRE(token);
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    ::usleep(200'000);
    clients.stop();
    EXPECT_GT(soFar, 500U);
    expectAllOf(clients.acknowledged.tags(), *standby);
}

// CLIENT UNPAUSE is a word any administrator's tool may say. Writes stay refused.
TEST_F(RedisSwitch, AnAdministratorWhoLiftsThePauseDoesNotOpenTheFence) {
    HostileClients clients(current->spec);
    addWriters(clients, current->spec);
    clients.add("lifter", Who::administrator, Connections::one, [](const std::string& tag) {
        return std::vector<Command>{{"CLIENT", "UNPAUSE"}, {"CLIENT", "PAUSE", "1", "WRITE"}, {"SADD", "tags", tag}};
    });
    ::usleep(300'000);
    // The end may move on now (expiry is not a client's write), which the fence either outlasts or reports.
    const auto token = fence(3000);
    if (!token) {
        EXPECT_EQ(token.error().code, ErrorCode::VerificationFailed) << describe(token.error());
        return;
    }
    const auto before = world->tags(*current);
    EXPECT_GT(before.size(), 50U);
    ::usleep(500'000);
    clients.stop();
    EXPECT_EQ(world->tags(*current), before);
    expectAllOf(clients.acknowledged.tags(), *current);
}

// What a blocked client took from a list is taken, and taken once.
TEST_F(RedisSwitch, BlockedConsumersTakeEverythingOnce) {
    std::mutex mutex;
    std::set<std::string> pushed, popped;
    std::atomic<bool> stopped = false;
    std::vector<std::thread> threads;
    for (int consumer = 0; consumer < 3; ++consumer)
        threads.emplace_back([&] {
            std::optional<redis::Connection> connection;
            while (!stopped) {
                if (!connection) connection = applicationOf(current->spec, 300);
                if (!connection) continue;
                const auto replies = connection->callAll({{"BLPOP", "queue", "0.05"}}, SystemClock().monotonic() + 200);
                if (!replies) connection.reset();
                if (!replies || (*replies)[0].list.size() != 2) continue;
                const std::lock_guard lock(mutex);
                EXPECT_TRUE(popped.insert((*replies)[0].list[1].text).second);
            }
        });
    threads.emplace_back([&] {
        std::optional<redis::Connection> connection;
        for (int number = 0; !stopped; ++number) {
            if (!connection) connection = applicationOf(current->spec, 300);
            if (!connection) continue;
            const auto replies =
                connection->callAll({{"RPUSH", "queue", std::to_string(number)}}, SystemClock().monotonic() + 200);
            if (!replies) connection.reset();
            const std::lock_guard lock(mutex);
            if (wasDone(replies)) pushed.insert(std::to_string(number));
        }
    });
    ::usleep(300'000);
    const auto token = fence();
    SWB_REQUIRE(token);
    ::usleep(200'000);
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    stopped = true;
    for (auto& thread : threads) thread.join();
    std::set<std::string> left;
    for (const auto& item : ask(standby->spec, {"LRANGE", "queue", "0", "-1"}).list) left.insert(item.text);
    EXPECT_GT(popped.size(), 50U);
    for (const auto& item : popped) EXPECT_EQ(left.count(item), 0U) << item << " would be taken twice";
    for (const auto& item : pushed) EXPECT_TRUE(popped.count(item) || left.count(item)) << item << " is lost";
}

namespace {

// Writers that find the primary themselves, as clients with two addresses do, and tell how long they had none.
class Writers {
  public:
    Writers(const DatabaseSpec& first, const DatabaseSpec& second, int count) {
        for (int writer = 0; writer < count; ++writer)
            threads_.emplace_back([this, writer, specs = std::vector{first, second}] { run(writer, specs); });
    }
    ~Writers() { stop(); }
    void stop() {
        stopped_ = true;
        for (auto& thread : threads_) thread.join();
        threads_.clear();
    }
    Acknowledged acknowledged;
    // The longest time between two acknowledged writes since the last call.
    double takeGap() {
        const std::lock_guard lock(mutex_);
        return std::exchange(gapMs_, 0);
    }
    int doubled() const { return doubled_; }

  private:
    void run(int writer, const std::vector<DatabaseSpec>& specs) {
        size_t which = 0;
        std::optional<redis::Connection> connection;
        for (int number = 0; !stopped_;) {
            if (!connection) connection = applicationOf(specs[which], 100);
            const std::string tag = std::to_string(writer) + "-" + std::to_string(number);
            // HINCRBY: a write that was executed twice shows.
            const auto replies = connection
                                     ? connection->callAll({{"SADD", "tags", tag}, {"HINCRBY", "once", tag, "1"}},
                                                           SystemClock().monotonic() + 60)
                                     : Result<std::vector<Reply>>(fail(ErrorCode::Unreachable, ""));
            if (wasDone(replies)) {
                acknowledged.add(tag);
                const std::lock_guard lock(mutex_);
                const double now = preciseMs();
                if (lastMs_ > 0) gapMs_ = std::max(gapMs_, now - lastMs_);
                lastMs_ = now;
                ++number;
                ::usleep(1000);
                continue;
            }
            // Refused or in doubt: the next tag, at the other address.
            connection.reset();
            which = 1 - which;
            number += 1;
            ::usleep(200);
        }
    }
    std::atomic<bool> stopped_ = false;
    std::atomic<int> doubled_ = 0;
    std::mutex mutex_;
    double gapMs_ = 0, lastMs_ = 0;
    std::vector<std::thread> threads_;
};

}  // namespace

// Right after a switch the replica has not given its word yet; from Redis 7.2 on a bare WAIT does not ask for it.
TEST_F(RedisSwitch, ThePreparationDoesNotWaitForTheReplicasNextWord) {
    std::vector<double> durations;
    for (int round = 0; round < 5; ++round) {
        switchOver();
        ASSERT_FALSE(HasFatalFailure()) << "round " << round;
        ASSERT_TRUE(world->insert(*current, "after-" + std::to_string(round)));
        const double start = preciseMs();
        SWB_REQUIRE(current->driver->prepareSwitchSource(current->spec, standby->slot, current->context()));
        durations.push_back(preciseMs() - start);
    }
    EXPECT_THAT(durations, ::testing::Each(::testing::Lt(300.0)));
}

// A pause that somebody else made holds back what would ask the replica: then its own word, once a second, is enough.
TEST_F(RedisSwitch, ThePreparationDoesNotHangBehindAPause) {
    switchOver();
    ASSERT_FALSE(HasFatalFailure());
    ask(current->spec, {"CLIENT", "PAUSE", "20000", "WRITE"});
    const double start = preciseMs();
    SWB_REQUIRE(current->driver->prepareSwitchSource(current->spec, standby->slot, current->context()));
    EXPECT_LT(preciseMs() - start, 4000);
    ask(current->spec, {"CLIENT", "UNPAUSE"});
}

TEST_F(RedisSwitch, FiftyAlternatingSwitchesUnderWriters) {
    Writers writers(current->spec, standby->spec, 4);
    ::usleep(200'000);
    std::vector<double> gaps;
    for (int round = 0; round < 50; ++round) {
        ::usleep(30'000);
        (void)writers.takeGap();
        switchOver();
        ASSERT_FALSE(HasFatalFailure()) << "round " << round;
        ::usleep(30'000);
        gaps.push_back(writers.takeGap());
    }
    writers.stop();
    const auto acknowledged = writers.acknowledged.tags();
    EXPECT_GT(acknowledged.size(), 2000U);
    expectAllOf(acknowledged, *current);
    expectSame(world->tags(*current));
    const auto counts = ask(current->spec, {"HGETALL", "once"});
    for (size_t i = 0; i + 1 < counts.list.size(); i += 2)
        EXPECT_EQ(counts.list[i + 1].text, "1") << counts.list[i].text;
    // The copy of the seed, and none after it.
    EXPECT_EQ(std::stoi(infoOf(current->spec, "sync_full")) + std::stoi(infoOf(standby->spec, "sync_full")), 1);
    EXPECT_EQ(infoOf(current->spec, "sync_partial_err"), infoOf(current->spec, "sync_full"));
    std::sort(gaps.begin(), gaps.end());
    std::printf("write gap of 50 switches: median %.1f ms, 90%% %.1f ms, longest %.1f ms; %zu writes acknowledged\n",
                gaps[gaps.size() / 2], gaps[gaps.size() * 9 / 10], gaps.back(), acknowledged.size());
}

}  // namespace swb::test
