// MariaDB's own traps around the fence and the switch (each has cost somebody data), on real servers.
#include "conformance/mariadb_traps.h"

namespace swb::test {

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
        (void)open->execute(std::string(dialect().openWrites()), inMs(2000));
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
    closeByHand(*current);
    EXPECT_EQ(call("through-read-only"), !dialect().closesForEverybody())
        << "the trap itself is gone: the definer's right no longer counts";
    openByHand(*current);
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
    std::jthread statement([&] { (void)shop->execute("INSERT INTO items (tag) SELECT SLEEP(8)", inMs(15'000)); });
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

// A console that somebody left with its tables locked: ended, as every session is a moment later.
TEST_F(MariadbTraps, ASessionThatHoldsLocksAndDoesNothingDoesNotHoldUpTheFence) {
    auto console = asBoss(*current);
    SWB_REQUIRE(console);
    SWB_REQUIRE(console->execute("LOCK TABLES items WRITE", inMs(2000)));
    const double start = preciseMs();
    const auto token = fence(3000);
    SWB_REQUIRE(token);
    EXPECT_LT(preciseMs() - start, 1000);
    EXPECT_FALSE(console->execute("INSERT INTO items (tag) VALUES ('too-late')", inMs(2000)));
    EXPECT_EQ(position(*current), textAt(token->proof, "end"));
    SWB_REQUIRE(unfence());
    EXPECT_TRUE(world->insert(*current, "later"));
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
    closeByHand(*current);
    SWB_REQUIRE(ensureRunning("primary"));
    EXPECT_FALSE(world->insert(*current, "closed-by-a-person"));
    openByHand(*current);
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

// What a link left in the server's options ends with its last replica.
TEST_F(MariadbTraps, AServerThatWasReleasedComesUpOpen) {
    SWB_REQUIRE(fence());
    SWB_REQUIRE(unfence());
    SWB_REQUIRE(current->driver->releaseSource(current->spec, {standby->slot}, current->context()));
    killMariadbServer(current->spec);
    startByHand(*current);
    EXPECT_TRUE(world->insert(*current, "without-agent"));
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

// A verb of an earlier switch that arrives late must not open a server that was fenced since.
TEST_F(MariadbTraps, ALatePromotionDoesNotOpenAFencedServer) {
    const auto first = fence();
    SWB_REQUIRE(first);
    SWB_REQUIRE(awaitToken(*first));
    SWB_REQUIRE(promote(*first));
    SWB_REQUIRE(rejoin(*first));
    std::swap(current, standby);
    const auto second = current->driver->fence(current->spec, 3, current->context());
    SWB_REQUIRE(second);
    const auto late = current->driver->promote(current->spec, *first, current->context());
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::GuardRefused) << describe(late.error());
    EXPECT_FALSE(current->driver->promoteStandalone(current->spec, true, current->context()));
    EXPECT_FALSE(world->insert(*current, "no"));
    EXPECT_EQ(position(*current), textAt(second->proof, "end"));
    // An unfence that was cut off after the guard was written is finished by the agent's own look.
    SWB_REQUIRE(ensureRunning(""));
    EXPECT_FALSE(world->insert(*current, "not-without-a-word"));
    SWB_REQUIRE(ensureRunning("primary"));
    EXPECT_TRUE(world->insert(*current, "yes"));
}

TEST_F(MariadbTraps, AFencedServerThatDiedIsStartedByItsUndo) {
    const auto token = fence();
    SWB_REQUIRE(token);
    killMariadbServer(current->spec);
    const auto again = fence();
    SWB_REQUIRE(again);
    EXPECT_EQ(toText(again->proof), toText(token->proof));
    killMariadbServer(current->spec);
    SWB_REQUIRE(unfence());
    EXPECT_TRUE(world->insert(*current, "back"));
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

}  // namespace swb::test
