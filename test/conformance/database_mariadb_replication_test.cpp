// MariaDB's traps around copies, certificates, histories that went apart, and what a server says of itself.
#include "conformance/mariadb_traps.h"
#include "health/link_facts.h"

namespace swb::test {

class MariadbReplication : public MariadbTraps {
  protected:
    void stopApplier() { replicaSql(onMysql ? "STOP REPLICA SQL_THREAD" : "STOP SLAVE SQL_THREAD"); }
};

TEST_F(MariadbReplication, AReplicaThatSomebodyWroteToIsNeverPromoted) {
    ASSERT_TRUE(world->insert(*current, "common"));
    SWB_REQUIRE(prepareReplica());
    ASSERT_TRUE(bossWritesToReplica(*standby, "errant"));
    const driver::Peer peer = current->peer();
    const Json seen = facts(*standby, &peer);
    ASSERT_TRUE(memberAt(seen, "errantGtids")->is_array()) << toText(seen);
    EXPECT_EQ(memberAt(seen, "errantGtids")->as_array().size(), 1U) << toText(seen);
    EXPECT_NE(health::divergence(testedEngine, facts(*current), seen), "");
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

// Killed anywhere, the next call goes on; until the copy streams there is an old data directory.
TEST_F(MariadbReplication, ASeedThatIsKilledIsFinishedByTheNext) {
    for (int round = 0; round < 5; ++round) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            (void)standby->driver->seed(standby->spec, standby->application, current->peer(), standby->slot,
                                        standby->context(60'000));
            ::_exit(0);
        }
        ::usleep(300'000 + randomBelow(1'500'000));
        ::kill(pid, SIGKILL);
        int status = 0;
        ::waitpid(pid, &status, 0);
        standby->restartAgent();
        const std::string& data = standby->spec.service.data;
        EXPECT_TRUE(driver::directoryExists(data) || driver::directoryExists(data + ".swingbridge-old"));
    }
    ASSERT_TRUE(world->insert(*current, "before-the-last"));
    const auto seeded = standby->driver->seed(standby->spec, standby->application, current->peer(), standby->slot,
                                              standby->context(60'000));
    SWB_REQUIRE(seeded);
    EXPECT_FALSE(textAt(*seeded, "position").empty());
    for (const char* leftover : {".swingbridge-old", ".swingbridge-new", ".swingbridge-dump"})
        EXPECT_FALSE(driver::directoryExists(standby->spec.service.data + leftover)) << leftover;
    SWB_REQUIRE(prepareReplica());
    EXPECT_EQ(world->tags(*standby).count("before-the-last"), 1U);
}

// Nothing was written since the copy was made: its log knows where it begins all the same.
TEST_F(MariadbReplication, ASwitchRightAfterTheSeed) {
    for (int round = 0; round < 2; ++round) {
        switchOver(round);
        if (HasFatalFailure()) return;
    }
    ASSERT_TRUE(world->insert(*current, "later"));
    for (int i = 0; i < 400 && world->tags(*standby).empty(); ++i) ::usleep(5000);
    EXPECT_EQ(world->tags(*standby).count("later"), 1U);
}

// One that does not falls behind a primary that is busy on real disks. A number that somebody chose stays.
TEST_F(MariadbReplication, AReplicaAppliesInParallelFromItsFirstMoment) {
    const std::string name = onMysql ? "replica_parallel_workers" : "slave_parallel_threads";
    const std::string appliers = "SELECT @@GLOBAL." + name;
    EXPECT_EQ(world->sql(*standby, appliers), "4");
    world->sql(*current, "SET GLOBAL " + name + " = 7");
    SWB_REQUIRE(prepareReplica());
    const auto token = fence();
    SWB_REQUIRE(token);
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    SWB_REQUIRE(rejoin(*token));
    EXPECT_EQ(world->sql(*current, appliers), "7");
}

#ifndef SWB_TEST_MYSQL
// Servers before this one wrote the beginning of the log, under other numbers: the copy knows of them, or the source
// would look as if it had transactions of its own as soon as it is the replica.
class MariadbOlderLog : public MariadbTraps {
  protected:
    void SetUp() override {
        world = std::make_unique<MariadbWorld>("log_bin = older\nbinlog_format = ROW\n");
        for (const char* id : {"1", "77"})
            world->sql(world->a(), "SET STATEMENT server_id = " + std::string(id) +
                                       " FOR INSERT INTO shop.items (tag) VALUES ('of-" + id + "')");
        linkSides();
    }
};

TEST_F(MariadbOlderLog, GoesThereAndBack) {
    ASSERT_NE(world->sql(*current, "SELECT @@GLOBAL.gtid_binlog_state").find("0-77-"), std::string::npos);
    for (int round = 0; round < 4; ++round) {
        switchOver(round);
        if (HasFatalFailure()) return;
        const driver::Peer peer = current->peer();
        const Json seen = facts(*standby, &peer);
        EXPECT_TRUE(memberAt(seen, "errantGtids")->as_array().empty()) << toText(seen);
        ASSERT_TRUE(world->insert(*current, "round-" + std::to_string(round)));
    }
}

#endif

// Tables come and go when the copy is begun: a dump that met one is repeated.
TEST_F(MariadbReplication, ASeedWhileTablesComeAndGo) {
    std::atomic<int> made{0};
    std::jthread maker([&] {
        auto shop = connectMariadb(current->spec, "boss", "boss-password", "shop");
        const MonotonicMs end = inMs(3000);
        for (int i = 0; shop && SystemClock().monotonic() < end; ++i) {
            const std::string table = "passing_" + std::to_string(i % 40);
            (void)shop->execute("DROP TABLE IF EXISTS " + table, inMs(2000));
            if (shop->execute("CREATE TABLE " + table + " (id INT PRIMARY KEY)", inMs(2000))) ++made;
            (void)shop->execute("INSERT INTO " + table + " VALUES (1)", inMs(2000));
            ::usleep(20'000);
        }
    });
    while (made < 40) ::usleep(5000);
    std::atomic<int> repeated{0};
    driver::Context context = standby->context(60'000);
    context.progress = [&](int64_t, int64_t, std::string_view sentence) {
        if (sentence.find("copying again") != std::string_view::npos) ++repeated;
    };
    const auto seeded =
        standby->driver->seed(standby->spec, standby->application, current->peer(), standby->slot, context);
    SWB_REQUIRE(seeded);
    EXPECT_GT(repeated, 0) << "nothing came in the way: the test shows nothing";
    ASSERT_TRUE(world->insert(*current, "after"));
    for (int i = 0; i < 400 && world->tags(*standby).count("after") == 0; ++i) ::usleep(5000);
    EXPECT_EQ(world->tags(*standby).count("after"), 1U);
}

TEST_F(MariadbReplication, FactsAreQuick) {
    (void)facts(*standby);
    const double start = preciseMs();
    const Json seen = facts(*standby);
    EXPECT_LT(preciseMs() - start, 200) << "inspection is for every second";
    EXPECT_EQ(textAt(seen, "receiverStatus"), "streaming");
    EXPECT_TRUE(booleanAt(seen, "usingGtid"));
    const Json source = facts(*current);
    const Json* admins = memberAt(source, "readOnlyAdmins");
    ASSERT_TRUE(admins && admins->is_array());
    EXPECT_EQ(toText(*admins).find("boss") == std::string::npos, dialect().closesForEverybody());
    EXPECT_EQ(toText(*admins).find("shop"), std::string::npos);
}

TEST_F(MariadbReplication, EqualServerIdsAreRefused) {
    replicaSql("SET GLOBAL server_id = " + primarySql("SELECT @@GLOBAL.server_id"));
    const auto tested = standby->driver->testSource(standby->spec, current->peer(), standby->context());
    ASSERT_FALSE(tested);
    EXPECT_EQ(tested.error().code, ErrorCode::IdentityMismatch);
    const auto prepared = prepareReplica();
    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().code, ErrorCode::IdentityMismatch);
}

TEST_F(MariadbReplication, AnotherDatabaseIsNeverPromoted) {
    const auto token = fence();
    SWB_REQUIRE(token);
    Token other = *token;
    other.proof.as_object()["systemId"] = "00000000-0000-0000-0000-000000000000";
    Token earlier = *token;
    const std::string all = textAt(token->proof, "end");
    earlier.proof.as_object()["end"] = onMysql ? all.substr(0, all.find(':')) + ":1" : "0-1-1";
    for (const auto& refused : {awaitToken(other), promote(other), awaitToken(earlier), promote(earlier)}) {
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::IdentityMismatch);
    }
    Token later = *token;
    later.proof = world->laterToken(token->proof);
    EXPECT_EQ(awaitToken(later, 300).error().code, ErrorCode::TokenNotReached);
    EXPECT_EQ(promote(later).error().code, ErrorCode::TokenNotReached);
    EXPECT_EQ(textAt(facts(*standby), "role"), "replica");
    SWB_REQUIRE(unfence());
}

TEST_F(MariadbReplication, AStoppedOrDelayedReplicaIsRefusedAndTheWayBackOpen) {
    stopApplier();
    EXPECT_TRUE(booleanAt(facts(*standby), "replayPaused"));
    EXPECT_EQ(prepareReplica().error().code, ErrorCode::ReplicaNotReady);
    ASSERT_TRUE(world->insert(*current, "not-applied"));
    const auto token = fence();
    SWB_REQUIRE(token);
    EXPECT_EQ(awaitToken(*token, 300).error().code, ErrorCode::ReplicaNotReady);
    EXPECT_FALSE(promote(*token));
    SWB_REQUIRE(unfence());
    replicaSql(std::string(dialect().stopReplica()));
    replicaSql(onMysql ? "CHANGE REPLICATION SOURCE TO SOURCE_DELAY = 60" : "CHANGE MASTER TO MASTER_DELAY = 60");
    replicaSql(std::string(dialect().startReplica()));
    EXPECT_EQ(prepareReplica().error().code, ErrorCode::ReplicaNotReady);
    EXPECT_TRUE(world->insert(*current, "back"));
}

// The old primary was opened behind everybody's back and wrote: it is refused, what only it has is saved, and a new
// copy replaces it.
TEST_F(MariadbReplication, ADivergedOldPrimaryIsRefusedAndItsTransactionsAreSaved) {
    const auto token = fence();
    SWB_REQUIRE(token);
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    current->restartAgent();  // its lock ends
    openByHand(*current);
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
    const auto savedAgain = readFile(textAt(*seeded, "saved"));
    ASSERT_TRUE(savedAgain) << toText(*seeded);
    EXPECT_NE(savedAgain->find("only-here"), std::string::npos);
    EXPECT_EQ(world->tags(*current).count("only-here"), 0U);
    EXPECT_EQ(world->tags(*current).count("only-there"), 1U);
}

TEST_F(MariadbReplication, OnlyTheCertificateOpensReplication) {
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

TEST_F(MariadbReplication, RenewedCertificatesAreTakenUpWithoutARestart) {
    const auto pid = mariadbPid(current->spec);
    world->installCertificates(*current);
    world->installCertificates(*standby);
    EXPECT_EQ(mariadbPid(current->spec), pid);
    SWB_REQUIRE(standby->driver->testSource(standby->spec, current->peer(), standby->context()));
}

TEST_F(MariadbReplication, ThePromotionOutsideASwitchAppliesWhatWasReceived) {
    stopApplier();
    ASSERT_TRUE(world->insert(*current, "received"));
    const auto received = [&] {
        const std::string seen = textAt(facts(*standby), "receivedPosition");
        // MySQL names what it received since it follows, the rest is what it has.
        return dialect().joined(onMysql ? position(*standby) + "," + seen : seen, "").value_or("");
    };
    for (int i = 0; i < 200 && received() != position(*current); ++i) ::usleep(5000);
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

TEST_F(MariadbReplication, TheWriteTestSeesWhetherWritesAreOpen) {
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
