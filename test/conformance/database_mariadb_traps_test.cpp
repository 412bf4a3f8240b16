// MariaDB's own traps (each has cost somebody data), on real servers.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "base/ids.h"
#include "driver/mariadb/gtid.h"
#include "driver/mariadb/managers.h"
#include "driver/support/files.h"
#include "driver/support/program.h"
#include "support/mariadb_fixture.h"

namespace swb::test {

// Evaluates once: a verb that is called again may answer something else.
#define SWB_REQUIRE(expression)                              \
    do {                                                     \
        const auto& required = (expression);                 \
        ASSERT_TRUE(required) << describe(required.error()); \
    } while (false)

using driver::Token;
using driver::mariadb::Connection;

namespace {

MonotonicMs inMs(int64_t milliseconds) {
    return SystemClock().monotonic() + milliseconds;
}

class MariadbTraps : public ::testing::Test {
  protected:
    void SetUp() override { begin({}); }
    void begin(const std::string& settings) {
        world = std::make_unique<MariadbWorld>(settings);
        // Everything on everything, READ ONLY ADMIN and SUPER included: read_only does not bind it.
        world->sql(world->a(), "CREATE USER boss@'%' IDENTIFIED BY 'boss-password'");
        world->sql(world->a(), "GRANT ALL PRIVILEGES ON *.* TO boss@'%' WITH GRANT OPTION");
        world->link();
        current = &world->a();
        standby = &world->b();
    }
    Result<Token> fence(int64_t milliseconds = 10'000) {
        return current->driver->fence(current->spec, 2, current->context(milliseconds));
    }
    Result<Json> unfence() { return current->driver->unfence(current->spec, current->context()); }
    Result<Json> awaitToken(const Token& token, int64_t milliseconds = 5000) {
        return standby->driver->awaitToken(standby->spec, token, standby->context(milliseconds));
    }
    Result<Json> promote(const Token& token) {
        return standby->driver->promote(standby->spec, token, standby->context());
    }
    Result<Json> rejoin(const Token& token, int64_t milliseconds = 10'000) {
        auto source = standby->driver->prepareSource(standby->spec, standby->application, current->peer(),
                                                     current->slot, standby->context());
        if (!source) return source;
        return current->driver->rejoin(current->spec, current->application, standby->peer(), current->slot, token,
                                       current->context(milliseconds));
    }
    Result<Json> prepareReplica(int64_t milliseconds = 5000) {
        return standby->driver->prepareSwitchReplica(standby->spec, current->peer(), 1 << 20,
                                                     standby->context(milliseconds));
    }
    Result<Json> ensureRunning(const std::string& guardRole) {
        return current->driver->ensureRunning(current->spec, guardRole, current->context());
    }
    Json facts(DatabaseSide& side, const driver::Peer* peer = nullptr) {
        return side.driver->inspect(side.spec, peer, side.context());
    }
    std::string primarySql(const std::string& statement) { return world->sql(*current, statement); }
    std::string replicaSql(const std::string& statement) { return world->sql(*standby, statement); }
    Result<Connection> asBoss(DatabaseSide& side) { return connectMariadb(side.spec, "boss", "boss-password", "shop"); }
    bool bossWrites(DatabaseSide& side, const std::string& tag) {
        auto connection = asBoss(side);
        return connection && connection->execute("INSERT INTO items (tag) VALUES ('" + tag + "')", inMs(2000));
    }
    // As an administrator or the operating system would.
    void startByHand(DatabaseSide& side) {
        driver::DetachedProgram server;
        server.argv = {"/usr/sbin/mariadbd", "--defaults-file=" + side.spec.service.config};
        server.user = mariadbUser();
        server.logFile = side.stateDirectory + "/by-hand.log";
        SWB_REQUIRE(driver::spawnDetached(server));
        const MonotonicMs deadline = inMs(20'000);
        while (!world->trySql(side, "SELECT 1") && SystemClock().monotonic() < deadline) ::usleep(5000);
    }
    std::string position(DatabaseSide& side) { return world->sql(side, "SELECT @@GLOBAL.gtid_binlog_pos"); }

    std::unique_ptr<MariadbWorld> world;
    DatabaseSide* current = nullptr;
    DatabaseSide* standby = nullptr;
};

// Writers that never give up, new connections all the time, until the object ends.
class Churn {
  public:
    Churn(int threads, std::function<bool(const std::string&)> write) {
        for (int i = 0; i < threads; ++i)
            threads_.emplace_back([this, write] {
                while (!stop_) {
                    const std::string tag = newId("c");
                    if (!write(tag)) continue;
                    const std::lock_guard lock(mutex_);
                    acknowledged_.insert(tag);
                }
            });
    }
    ~Churn() { end(); }
    std::set<std::string> end() {
        stop_ = true;
        for (auto& thread : threads_)
            if (thread.joinable()) thread.join();
        return acknowledged_;
    }
    size_t count() {
        const std::lock_guard lock(mutex_);
        return acknowledged_.size();
    }

  private:
    std::atomic<bool> stop_{false};
    std::mutex mutex_;
    std::set<std::string> acknowledged_;
    std::vector<std::thread> threads_;
};

bool contains(const std::set<std::string>& all, const std::set<std::string>& some) {
    return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

}  // namespace

// An account with every right writes without pause, by new connections and by one that stays open, before, during and
// after the fence, and goes on when the agent has died. Nothing of it comes after the token.
TEST_F(MariadbTraps, TheFenceHoldsAgainstAdministratorsAlsoWithoutItsAgent) {
    std::mutex openMutex;
    std::optional<Connection> open;
    Churn fresh(2, [&](const std::string& tag) { return bossWrites(*current, tag); });
    Churn lasting(1, [&](const std::string& tag) {
        const std::lock_guard lock(openMutex);
        if (!open || !open->usable()) {
            auto connection = asBoss(*current);
            if (!connection) return false;
            open = std::move(*connection);
        }
        // read_only is lifted as hostile administrators do.
        (void)open->execute("SET GLOBAL read_only = 0", inMs(2000));
        return open->execute("INSERT INTO items (tag) VALUES ('" + tag + "')", inMs(2000)).has_value();
    });
    while (fresh.count() < 20 || lasting.count() < 20) ::usleep(1000);
    const auto token = fence();
    SWB_REQUIRE(token);
    const size_t before = fresh.count() + lasting.count();
    ::usleep(300'000);
    EXPECT_EQ(position(*current), textAt(token->proof, "end"));
    current->restartAgent();
    ::usleep(300'000);
    EXPECT_EQ(position(*current), textAt(token->proof, "end"));
    EXPECT_TRUE(booleanAt(facts(*current), "fenced"));
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    std::set<std::string> acknowledged = fresh.end();
    acknowledged.merge(lasting.end());
    EXPECT_EQ(position(*current), textAt(token->proof, "end"));
    // At most what was acknowledged in the moment of the fence came after the count.
    EXPECT_LE(acknowledged.size(), before + 3);
    EXPECT_TRUE(contains(world->tags(*standby), acknowledged));
    SWB_REQUIRE(rejoin(*token));
    // Admitted again, as on any replica.
    EXPECT_TRUE(asBoss(*current));
}

// Procedures run with their definer's rights, whoever calls them.
TEST_F(MariadbTraps, TheFenceHoldsAgainstProceduresOfAdministrators) {
    auto boss = asBoss(*current);
    SWB_REQUIRE(boss);
    SWB_REQUIRE(
        boss->execute("CREATE PROCEDURE shop.put(t VARCHAR(190)) SQL SECURITY DEFINER INSERT INTO shop.items "
                      "(tag) VALUES (t)",
                      inMs(5000)));
    const auto call = [&](const std::string& tag) {
        auto shop = connectMariadb(current->spec, "shop", "shop-password", "shop");
        return shop && shop->execute("CALL put('" + tag + "')", inMs(2000));
    };
    primarySql("SET GLOBAL read_only = 1");
    EXPECT_TRUE(call("through-read-only")) << "the trap itself is gone: the definer's right no longer counts";
    primarySql("SET GLOBAL read_only = 0");
    const auto token = fence();
    SWB_REQUIRE(token);
    EXPECT_FALSE(call("fenced"));
    current->restartAgent();
    EXPECT_FALSE(call("fenced-without-agent"));
    EXPECT_EQ(position(*current), textAt(token->proof, "end"));
    SWB_REQUIRE(unfence());
    EXPECT_TRUE(call("again"));
}

TEST_F(MariadbTraps, OpenTransactionsDoNotSurviveTheFenceHalfDone) {
    for (const char* account : {"shop", "boss"}) {
        auto open = connectMariadb(current->spec, account, std::string(account) + "-password", "shop");
        SWB_REQUIRE(open);
        SWB_REQUIRE(open->execute("START TRANSACTION", inMs(2000)));
        const std::string tag = std::string("uncommitted-of-") + account;
        SWB_REQUIRE(open->execute("INSERT INTO items (tag) VALUES ('" + tag + "')", inMs(2000)));
        SWB_REQUIRE(fence());
        EXPECT_FALSE(open->execute("COMMIT", inMs(2000)));
        SWB_REQUIRE(unfence());
        EXPECT_EQ(world->tags(*current).count(tag), 0U);
    }
}

TEST_F(MariadbTraps, PreparedTransactionsAreRefused) {
    auto shop = connectMariadb(current->spec, "shop", "shop-password", "shop");
    SWB_REQUIRE(shop);
    for (const char* statement :
         {"XA START 'x'", "INSERT INTO items (tag) VALUES ('prepared')", "XA END 'x'", "XA PREPARE 'x'"})
        SWB_REQUIRE(shop->execute(statement, inMs(2000)));
    const auto source = current->driver->prepareSwitchSource(current->spec, standby->slot, current->context());
    ASSERT_FALSE(source);
    EXPECT_EQ(source.error().code, ErrorCode::PreparedTransactions);
    const auto token = fence();
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().code, ErrorCode::PreparedTransactions);
    EXPECT_TRUE(world->insert(*current, "still-open"));
}

// A statement that runs on keeps the global read lock waiting; it must not take effect at some later moment.
TEST_F(MariadbTraps, ALongStatementFailsTheFenceInBoundedTimeAndWritesGoOn) {
    auto shop = connectMariadb(current->spec, "shop", "shop-password", "shop");
    SWB_REQUIRE(shop);
    std::thread statement([&] { (void)shop->execute("INSERT INTO items (tag) SELECT SLEEP(8)", inMs(15'000)); });
    ::usleep(200'000);
    const double start = preciseMs();
    const auto token = fence(3000);
    EXPECT_LT(preciseMs() - start, 3500);
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().code, ErrorCode::DeadlineExceeded);
    EXPECT_TRUE(world->insert(*current, "goes-on")) << "without waiting for the undo";
    SWB_REQUIRE(unfence());
    statement.join();
    EXPECT_TRUE(world->insert(*current, "later"));
    EXPECT_EQ(world->tags(*current).count("0"), 1U) << "the statement itself was not harmed";
    SWB_REQUIRE(fence());
}

class MariadbEvents : public MariadbTraps {
  protected:
    void SetUp() override { begin("event_scheduler = ON\n"); }
    int64_t ticks(DatabaseSide& side) {
        return std::atoll(world->sql(side, "SELECT COUNT(*) FROM shop.ticks").c_str());
    }
};

// Events run with their definer's rights, on the primary only: here and there by turns, and never behind a fence.
TEST_F(MariadbEvents, EventsFollowThePrimary) {
    EXPECT_EQ(primarySql("SELECT @@GLOBAL.event_scheduler"), "ON") << "as before the restart";
    EXPECT_EQ(replicaSql("SELECT @@GLOBAL.event_scheduler"), "OFF");
    auto boss = asBoss(*current);
    SWB_REQUIRE(boss);
    SWB_REQUIRE(boss->execute("CREATE TABLE ticks (id BIGINT AUTO_INCREMENT PRIMARY KEY)", inMs(5000)));
    SWB_REQUIRE(
        boss->execute("CREATE EVENT tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO shop.ticks VALUES ()", inMs(5000)));
    while (ticks(*current) < 1) ::usleep(50'000);
    const auto token = fence();
    SWB_REQUIRE(token);
    ::usleep(1'500'000);
    EXPECT_EQ(position(*current), textAt(token->proof, "end"));
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    SWB_REQUIRE(rejoin(*token));
    SWB_REQUIRE(standby->driver->endSwitch(standby->spec, standby->context()));
    const int64_t before = ticks(*standby);
    for (int i = 0; i < 100 && ticks(*standby) == before; ++i) ::usleep(50'000);
    EXPECT_GT(ticks(*standby), before);
    EXPECT_EQ(replicaSql("SELECT DEFINER FROM information_schema.EVENTS WHERE EVENT_NAME = 'tick'"), "boss@%");
    EXPECT_EQ(primarySql("SELECT @@GLOBAL.event_scheduler"), "OFF");
    ASSERT_TRUE(prepareReplica().error().code == ErrorCode::ReplicaNotReady) << "the new primary is no replica";
}

TEST_F(MariadbTraps, ARestartComesUpClosedWhoeverStartedIt) {
    killMariadbServer(current->spec);
    startByHand(*current);
    EXPECT_FALSE(world->insert(*current, "closed"));
    const auto opened = ensureRunning("primary");
    SWB_REQUIRE(opened);
    EXPECT_TRUE(world->insert(*current, "open"));
    // A person who closes it afterwards has a reason.
    primarySql("SET GLOBAL read_only = 1");
    SWB_REQUIRE(ensureRunning("primary"));
    EXPECT_FALSE(world->insert(*current, "closed-by-a-person"));
    primarySql("SET GLOBAL read_only = 0");
    // Started by the agent itself.
    killMariadbServer(current->spec);
    SWB_REQUIRE(ensureRunning(""));
    EXPECT_TRUE(world->insert(*current, "open-again"));
    // Fenced, killed, started by hand: nobody gets in.
    const auto token = fence();
    SWB_REQUIRE(token);
    killMariadbServer(current->spec);
    current->restartAgent();
    startByHand(*current);
    EXPECT_FALSE(world->insert(*current, "behind-the-fence"));
    EXPECT_FALSE(asBoss(*current));
    EXPECT_TRUE(booleanAt(facts(*current), "fenced"));
    EXPECT_EQ(position(*current), textAt(token->proof, "end"));
    const auto again = fence();
    SWB_REQUIRE(again);
    EXPECT_EQ(toText(again->proof), toText(token->proof));
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    SWB_REQUIRE(rejoin(*token));
    // A replica comes back as one, by itself.
    killMariadbServer(current->spec);
    startByHand(*current);
    const auto replica = ensureRunning("replica");
    SWB_REQUIRE(replica);
    EXPECT_EQ(textAt(*replica, "role"), "replica");
    EXPECT_FALSE(world->insert(*current, "on-the-replica"));
    for (int i = 0; i < 400 && textAt(facts(*current), "receiverStatus") != "streaming"; ++i) ::usleep(5000);
    EXPECT_EQ(textAt(facts(*current), "receiverStatus"), "streaming");
}

TEST_F(MariadbTraps, ABootGuardThatSaysReplicaFencesAPrimary) {
    const auto closed = ensureRunning("replica");
    SWB_REQUIRE(closed);
    EXPECT_FALSE(world->insert(*current, "no"));
    EXPECT_FALSE(bossWrites(*current, "no"));
    EXPECT_TRUE(booleanAt(facts(*current), "fenced"));
    SWB_REQUIRE(ensureRunning("replica"));
    SWB_REQUIRE(unfence());
    EXPECT_TRUE(world->insert(*current, "yes"));
}

TEST_F(MariadbTraps, AReplicaThatSomebodyWroteToIsNeverPromoted) {
    ASSERT_TRUE(world->insert(*current, "common"));
    SWB_REQUIRE(prepareReplica());
    ASSERT_TRUE(bossWrites(*standby, "errant"));
    const driver::Peer peer = current->peer();
    const Json seen = facts(*standby, &peer);
    ASSERT_TRUE(memberAt(seen, "errantGtids")->is_array()) << toText(seen);
    EXPECT_EQ(memberAt(seen, "errantGtids")->as_array().size(), 1U) << toText(seen);
    const auto prepared = prepareReplica();
    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().code, ErrorCode::IdentityMismatch) << describe(prepared.error());
    const auto token = fence();
    SWB_REQUIRE(token);
    for (const auto& refused : {awaitToken(*token, 500), promote(*token)}) {
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::IdentityMismatch) << describe(refused.error());
    }
    EXPECT_EQ(textAt(facts(*standby), "role"), "replica");
    SWB_REQUIRE(unfence());
    // Only a new copy heals it; what only it had is saved.
    const auto seeded = standby->driver->seed(standby->spec, standby->application, current->peer(), standby->slot,
                                              standby->context(60'000));
    SWB_REQUIRE(seeded);
    const auto saved = readFile(textAt(*seeded, "saved"));
    ASSERT_TRUE(saved) << toText(*seeded);
    EXPECT_NE(saved->find("errant"), std::string::npos);
    SWB_REQUIRE(prepareReplica());
}

TEST_F(MariadbTraps, EqualServerIdsAreRefused) {
    replicaSql("SET GLOBAL server_id = " + primarySql("SELECT @@GLOBAL.server_id"));
    const auto tested = standby->driver->testSource(standby->spec, current->peer(), standby->context());
    ASSERT_FALSE(tested);
    EXPECT_EQ(tested.error().code, ErrorCode::IdentityMismatch);
    const auto prepared = prepareReplica();
    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().code, ErrorCode::IdentityMismatch);
}

TEST_F(MariadbTraps, AnotherDatabaseIsNeverPromoted) {
    const auto token = fence();
    SWB_REQUIRE(token);
    Token other = *token;
    other.proof.as_object()["systemId"] = "00000000-0000-0000-0000-000000000000";
    Token earlier = *token;
    earlier.proof.as_object()["end"] = "0-1-1";
    for (const auto& refused : {awaitToken(other), promote(other), awaitToken(earlier), promote(earlier)}) {
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::IdentityMismatch);
    }
    Token later = *token;
    auto end = driver::mariadb::GtidPosition::parse(textAt(token->proof, "end"));
    ASSERT_TRUE(end);
    const auto last = end->domains().begin()->second;
    later.proof.as_object()["end"] = "0-" + std::to_string(last.server) + "-" + std::to_string(last.sequence + 1);
    EXPECT_EQ(awaitToken(later, 300).error().code, ErrorCode::TokenNotReached);
    EXPECT_EQ(promote(later).error().code, ErrorCode::TokenNotReached);
    EXPECT_EQ(textAt(facts(*standby), "role"), "replica");
    SWB_REQUIRE(unfence());
}

TEST_F(MariadbTraps, AStoppedOrDelayedReplicaIsRefusedAndTheWayBackOpen) {
    replicaSql("STOP SLAVE SQL_THREAD");
    EXPECT_TRUE(booleanAt(facts(*standby), "replayPaused"));
    EXPECT_EQ(prepareReplica().error().code, ErrorCode::ReplicaNotReady);
    ASSERT_TRUE(world->insert(*current, "not-applied"));
    const auto token = fence();
    SWB_REQUIRE(token);
    EXPECT_EQ(awaitToken(*token, 300).error().code, ErrorCode::ReplicaNotReady);
    EXPECT_FALSE(promote(*token));
    SWB_REQUIRE(unfence());
    replicaSql("STOP SLAVE");
    replicaSql("CHANGE MASTER TO MASTER_DELAY = 60");
    replicaSql("START SLAVE");
    EXPECT_EQ(prepareReplica().error().code, ErrorCode::ReplicaNotReady);
    EXPECT_TRUE(world->insert(*current, "back"));
}

// The old primary was opened behind everybody's back and wrote: it is refused, what only it has is saved, and a new
// copy replaces it.
TEST_F(MariadbTraps, ADivergedOldPrimaryIsRefusedAndItsTransactionsAreSaved) {
    const auto token = fence();
    SWB_REQUIRE(token);
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    current->restartAgent();  // its lock ends
    primarySql("SET GLOBAL read_only = 0");
    primarySql("INSERT INTO shop.items (tag) VALUES ('only-here')");
    ASSERT_TRUE(world->insert(*standby, "only-there"));
    const auto refused = rejoin(*token);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::IdentityMismatch) << describe(refused.error());
    EXPECT_NE(refused.error().message.find("1 transactions"), std::string::npos) << refused.error().message;
    const size_t at = refused.error().message.find("saved in ");
    ASSERT_NE(at, std::string::npos) << refused.error().message;
    const auto saved = readFile(refused.error().message.substr(at + 9));
    ASSERT_TRUE(saved);
    EXPECT_NE(saved->find("only-here"), std::string::npos);
    EXPECT_EQ(world->tags(*current).count("only-here"), 1U) << "its data is untouched";
    EXPECT_NE(textAt(facts(*current), "role"), "replica");
    // Resync.
    const auto seeded = current->driver->seed(current->spec, current->application, standby->peer(), current->slot,
                                              current->context(60'000));
    SWB_REQUIRE(seeded);
    EXPECT_FALSE(textAt(*seeded, "saved").empty()) << toText(*seeded);
    EXPECT_EQ(world->tags(*current).count("only-here"), 0U);
    EXPECT_EQ(world->tags(*current).count("only-there"), 1U);
}

TEST_F(MariadbTraps, OnlyTheCertificateOpensReplication) {
    EXPECT_FALSE(connectMariadb(current->spec, "swingbridge_repl", ""));
    SWB_REQUIRE(standby->driver->testSource(standby->spec, current->peer(), standby->context()));
    const driver::Peer peer = current->peer();
    const Json seen = facts(*standby, &peer);
    EXPECT_TRUE(booleanAt(seen, "canConnectToPeer")) << toText(seen);
    EXPECT_EQ(textAt(seen, "receiverSlot"), standby->slot);
    const Json source = facts(*current);
    ASSERT_EQ(memberAt(source, "replicas")->as_array().size(), 1U) << toText(source);
    EXPECT_EQ(textAt(memberAt(source, "replicas")->as_array()[0], "application"), standby->slot);
    EXPECT_EQ(textAt(source, "systemId"), textAt(seen, "systemId"));
    const auto released = current->driver->releaseSource(current->spec, {standby->slot}, current->context());
    SWB_REQUIRE(released);
    EXPECT_FALSE(standby->driver->testSource(standby->spec, current->peer(), standby->context(3000)));
}

TEST_F(MariadbTraps, RenewedCertificatesAreTakenUpWithoutARestart) {
    const auto pid = mariadbPid(current->spec);
    world->installCertificates(*current);
    world->installCertificates(*standby);
    EXPECT_EQ(mariadbPid(current->spec), pid);
    SWB_REQUIRE(standby->driver->testSource(standby->spec, current->peer(), standby->context()));
}

TEST_F(MariadbTraps, ThePromotionOutsideASwitchAppliesWhatWasReceived) {
    replicaSql("STOP SLAVE SQL_THREAD");
    ASSERT_TRUE(world->insert(*current, "received"));
    for (int i = 0; i < 200 && textAt(facts(*standby), "receivedPosition") != position(*current); ++i) ::usleep(5000);
    killMariadbServer(current->spec);
    const auto refused = standby->driver->promoteStandalone(standby->spec, false, standby->context());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::ReplicaNotReady);
    const auto accepted = standby->driver->promoteStandalone(standby->spec, true, standby->context());
    SWB_REQUIRE(accepted);
    EXPECT_EQ(textAt(*accepted, "role"), "primary");
    EXPECT_EQ(world->tags(*standby).count("received"), 1U);
    EXPECT_TRUE(world->insert(*standby, "after"));
}

// The other half of the suite's ten: many switches under writers that go on, each row once, and the other site's log
// always found (error 1236 is the sign that it was not).
TEST_F(MariadbTraps, FiftySwitchesUnderLoadLoseAndDoubleNothing) {
    std::atomic<double> lastWrite{preciseMs()};
    std::atomic<double> longestGap{0};
    const auto wrote = [&] {
        const double now = preciseMs(), gap = now - lastWrite.exchange(now);
        for (double longest = longestGap; gap > longest && !longestGap.compare_exchange_weak(longest, gap);) continue;
    };
    DatabaseSide* const sides[] = {&world->a(), &world->b()};
    std::vector<std::optional<Connection>> connections(4);
    std::vector<size_t> routes(4, 0);
    std::atomic<size_t> next{0};
    Churn load(4, [&](const std::string& tag) {
        thread_local const size_t me = next++;
        auto& connection = connections[me];
        if (!connection) {
            auto opened = connectMariadb(sides[routes[me]]->spec, "shop", "shop-password", "shop");
            if (opened) connection = std::move(*opened);
        }
        if (connection && connection->execute("INSERT INTO items (tag) VALUES ('" + tag + "')", inMs(5000))) {
            wrote();
            ::usleep(2000);
            return true;
        }
        connection.reset();
        routes[me] = 1 - routes[me];
        ::usleep(1000);
        return false;
    });
    std::vector<double> gaps, fences, awaits, promotions;
    for (int round = 0; round < 50; ++round) {
        SWB_REQUIRE(current->driver->prepareSwitchSource(current->spec, standby->slot, current->context()));
        SWB_REQUIRE(prepareReplica());
        longestGap = 0;
        const double start = preciseMs();
        const auto token = fence();
        SWB_REQUIRE(token);
        const double fenced = preciseMs();
        SWB_REQUIRE(awaitToken(*token));
        const double reached = preciseMs();
        SWB_REQUIRE(promote(*token));
        const double promoted = preciseMs();
        while (lastWrite < promoted) ::usleep(200);
        gaps.push_back(longestGap);
        fences.push_back(fenced - start);
        awaits.push_back(reached - fenced);
        promotions.push_back(promoted - reached);
        SWB_REQUIRE(rejoin(*token));
        for (DatabaseSide* side : {current, standby}) SWB_REQUIRE(side->driver->endSwitch(side->spec, side->context()));
        std::swap(current, standby);
        const Json replica = facts(*standby);
        EXPECT_TRUE(memberAt(replica, "receiverError")->is_null()) << toText(replica);
        ::usleep(20'000);
    }
    const auto acknowledged = load.end();
    for (int i = 0; i < 400 && world->tags(*standby) != world->tags(*current); ++i) ::usleep(5000);
    for (DatabaseSide* side : {current, standby}) {
        EXPECT_TRUE(contains(world->tags(*side), acknowledged));
        EXPECT_EQ(world->sql(*side, "SELECT COUNT(*) - COUNT(DISTINCT tag) FROM shop.items"), "0");
    }
    EXPECT_EQ(world->tags(*standby), world->tags(*current));
    EXPECT_GT(acknowledged.size(), 1000U);
    const auto figures = [](std::vector<double> list) {
        std::sort(list.begin(), list.end());
        return fmt::format("median {:.1f}, most {:.1f} ms", list[list.size() / 2], list.back());
    };
    fmt::print("50 switches, {} acknowledged rows: write gap {}; fence {}; catch-up {}; promotion {}\n",
               acknowledged.size(), figures(gaps), figures(fences), figures(awaits), figures(promotions));
}

TEST_F(MariadbTraps, TheWriteTestSeesWhetherWritesAreOpen) {
    const Secret password("shop-password");
    const auto test = [&](DatabaseSide& side) {
        return side.driver->writeTest(side.spec, password, side.context(3000)).has_value();
    };
    EXPECT_TRUE(test(*current));
    EXPECT_FALSE(test(*standby));
    const auto token = fence();
    SWB_REQUIRE(token);
    EXPECT_FALSE(test(*current));
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    EXPECT_TRUE(test(*standby));
}

}  // namespace swb::test
