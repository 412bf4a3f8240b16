// PostgreSQL's own traps (each has cost somebody data), on real servers.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/ids.h"
#include "driver/postgresql/connection.h"
#include "driver/postgresql/control_file.h"
#include "driver/postgresql/hba_block.h"
#include "driver/postgresql/managers.h"
#include "driver/postgresql/wal_record.h"
#include "driver/support/files.h"
#include "driver/support/program.h"
#include "support/postgresql_fixture.h"

namespace swb::test {

using driver::Token;

namespace {

class PostgresqlTraps : public ::testing::Test {
  protected:
    void SetUp() override { begin({}); }
    void begin(const std::string& settings) {
        world = std::make_unique<PostgresqlWorld>(settings);
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
    void prepare() {
        SWB_REQUIRE(current->driver->prepareSwitchSource(current->spec, standby->slot, current->context()));
        SWB_REQUIRE(standby->driver->prepareSwitchReplica(standby->spec, current->peer(), 1 << 20, standby->context()));
    }
    std::string primarySql(const std::string& statement) { return world->sql(*current, statement); }
    std::string replicaSql(const std::string& statement) { return world->sql(*standby, statement); }
    driver::postgresql::ControlFile control(const DatabaseSide& side) {
        return driver::postgresql::readControlFile(side.spec.service.data).value();
    }
    pid_t walReceiver() { return std::atoi(replicaSql("SELECT pid FROM pg_stat_wal_receiver").c_str()); }

    std::unique_ptr<PostgresqlWorld> world;
    DatabaseSide* current = nullptr;
    DatabaseSide* standby = nullptr;
};

// Where PostgreSQL's own tool finds no further record. It says so in two ways: by the position where a record would
// begin, or, when the last one fills its page exactly, by the page that was never written.
uint64_t endByWaldump(const DatabaseSpec& spec, const driver::postgresql::ControlFile& control) {
    driver::ProgramCall call;
    call.argv = {spec.service.bin + "/pg_waldump",
                 "-p",
                 spec.service.data + "/pg_wal",
                 "-t",
                 std::to_string(control.timeline),
                 "-s",
                 driver::postgresql::lsnText(control.checkpoint)};
    call.user = postgresqlUser();
    driver::Context context;
    context.deadline = SystemClock().monotonic() + 10'000;
    const auto outcome = driver::runProgram(call, context);
    if (!outcome) return 0;
    const auto after = [&outcome](std::string_view sign) {
        const size_t at = outcome->errors.find(sign);
        return at == std::string::npos ? std::string() : outcome->errors.substr(at + sign.size());
    };
    if (const std::string position = after("invalid record length at "); !position.empty())
        return driver::postgresql::parseLsn(position.substr(0, position.find(':'))).value_or(0);
    const std::string offset = after(", offset ");
    if (after("invalid magic number 0000").empty() || offset.empty()) return 0;
    return control.checkpoint / control.walSegmentBytes * control.walSegmentBytes +
           std::strtoull(offset.c_str(), nullptr, 10);
}

}  // namespace

TEST_F(PostgresqlTraps, TheTokensEndIsWherePgWaldumpSeesTheEnd) {
    for (int round = 0; round < 30; ++round) {
        // Ends at every kind of distance from a page's end: the record crosses pages now and then.
        primarySql("SELECT pg_logical_emit_message(false, 'pad', repeat('x', " + std::to_string(randomBelow(9000)) +
                   "))");
        // A stop does not wait for a replica that has not come back yet.
        while (primarySql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") != "1") ::usleep(2000);
        const auto token = fence();
        SWB_REQUIRE(token);
        const uint64_t end = driver::postgresql::parseLsn(textAt(token->proof, "end")).value();
        EXPECT_EQ(endByWaldump(current->spec, control(*current)), end) << round;
        SWB_REQUIRE(awaitToken(*token));
        SWB_REQUIRE(unfence());
    }
}

// One stop in a thousand: the shutdown checkpoint's record fills its page to the last byte, and the next page does not
// exist. The token's end, the replica's position and the new timeline's beginning are still one.
TEST_F(PostgresqlTraps, AnEndThatIsAPagesEndIsAnEndLikeOthers) {
    constexpr const char* fillUpTo = R"sql(DO $do$ DECLARE before pg_lsn; cost bigint; room bigint; BEGIN LOOP
        before := pg_current_wal_insert_lsn();
        PERFORM pg_logical_emit_message(false, 'pad', repeat('x', 1100));
        cost := pg_current_wal_insert_lsn() - before;
        room := 8192 - 120 - (pg_current_wal_insert_lsn() - '0/0')::bigint % 8192;
        IF cost < 1300 AND room > 1300 THEN
            PERFORM pg_logical_emit_message(false, 'pad', repeat('x', (1100 + room - cost)::int));
            EXIT;
        END IF;
    END LOOP; END $do$)sql";
    constexpr uint64_t pageBytes = 8192;
    int atPagesEnd = 0;
    for (int round = 0; round < 4; ++round) {
        prepare();
        ASSERT_FALSE(HasFatalFailure());
        // Something else may write a record in between: then it is a switch like others.
        primarySql(fillUpTo);
        const auto token = fence();
        SWB_REQUIRE(token);
        const uint64_t end = driver::postgresql::parseLsn(textAt(token->proof, "end")).value();
        atPagesEnd += end % pageBytes == 0;
        EXPECT_EQ(endByWaldump(current->spec, control(*current)), end);
        SWB_REQUIRE(awaitToken(*token));
        const auto promoted = promote(*token);
        SWB_REQUIRE(promoted);
        EXPECT_EQ(textAt(*promoted, "switchPoint"), textAt(token->proof, "end"));
        SWB_REQUIRE(rejoin(*token));
        std::swap(current, standby);
    }
    EXPECT_GT(atPagesEnd, 0);
}

TEST_F(PostgresqlTraps, PreparedTransactionsAreRefused) {
    primarySql("BEGIN; INSERT INTO public.items (tag) VALUES ('prepared'); PREPARE TRANSACTION 'two-phase'");
    const auto source = current->driver->prepareSwitchSource(current->spec, standby->slot, current->context());
    ASSERT_FALSE(source);
    EXPECT_EQ(source.error().code, ErrorCode::PreparedTransactions);
    const auto token = fence();
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().code, ErrorCode::PreparedTransactions);
    EXPECT_TRUE(world->insert(*current, "still-open"));
    EXPECT_FALSE(fileExists(current->spec.service.data + "/standby.signal"));
}

TEST_F(PostgresqlTraps, PausedReplayIsRefusedAndNothingIsQueued) {
    replicaSql("SELECT pg_wal_replay_pause()");
    const auto prepared =
        standby->driver->prepareSwitchReplica(standby->spec, current->peer(), 1 << 20, standby->context());
    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().code, ErrorCode::ReplicaNotReady);
    world->insert(*current, "unreplayed");
    const auto token = fence();
    SWB_REQUIRE(token);
    const auto reached = awaitToken(*token, 500);
    ASSERT_FALSE(reached);
    EXPECT_EQ(reached.error().code, ErrorCode::ReplicaNotReady);
    EXPECT_FALSE(promote(*token));
    SWB_REQUIRE(unfence());
    replicaSql("SELECT pg_wal_replay_resume()");
    ::usleep(300'000);
    EXPECT_EQ(replicaSql("SELECT pg_is_in_recovery()"), "t");
    EXPECT_TRUE(world->insert(*current, "back"));
}

// A server that waits for its replica waits until wal_sender_timeout: 60 s. On a quiet machine it takes some two
// seconds, on a busy one the server's own start takes several.
constexpr double unfenceMostMs = 20'000;

// pg_control says "shut down", and the replica lacks the last rows all the same.
TEST_F(PostgresqlTraps, AStoppedReceiverKeepsTheTokenUnreachedAndTheWayBackOpen) {
    const pid_t receiver = walReceiver();
    ASSERT_GT(receiver, 0);
    ASSERT_EQ(::kill(receiver, SIGSTOP), 0);
    ASSERT_TRUE(world->insert(*current, "only-here"));
    const auto token = fence();
    SWB_REQUIRE(token);
    const auto reached = awaitToken(*token, 400);
    ASSERT_FALSE(reached);
    EXPECT_EQ(reached.error().code, ErrorCode::TokenNotReached);
    const auto promoted = promote(*token);
    ASSERT_FALSE(promoted);
    EXPECT_EQ(promoted.error().code, ErrorCode::TokenNotReached);
    const double start = preciseMs();
    SWB_REQUIRE(unfence());
    EXPECT_LT(preciseMs() - start, unfenceMostMs);
    EXPECT_TRUE(world->insert(*current, "writes-are-back"));
    ::kill(receiver, SIGCONT);
    EXPECT_EQ(world->tags(*current).count("only-here"), 1U);
    EXPECT_EQ(replicaSql("SELECT pg_is_in_recovery()"), "t");
}

// A walsender that does not move holds the stop before the checkpoint: the fence must fail, and be undone.
TEST_F(PostgresqlTraps, AHungWalsenderFailsTheFenceAndIsUndone) {
    const pid_t sender = std::atoi(primarySql("SELECT pid FROM pg_stat_replication").c_str());
    ASSERT_GT(sender, 0);
    ASSERT_EQ(::kill(sender, SIGSTOP), 0);
    const auto token = fence(700);
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().code, ErrorCode::DeadlineExceeded);
    const double start = preciseMs();
    SWB_REQUIRE(unfence());
    EXPECT_LT(preciseMs() - start, unfenceMostMs);
    EXPECT_TRUE(world->insert(*current, "writes-are-back"));
}

TEST_F(PostgresqlTraps, AnotherSystemIsNeverPromoted) {
    const auto token = fence();
    SWB_REQUIRE(token);
    Token other = *token;
    other.proof.as_object()["systemId"] = "1234567890123456789";
    for (const auto& refused : {awaitToken(other), promote(other)}) {
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::IdentityMismatch);
    }
    // A token that lies before what the replica has replayed: another history.
    Token earlier = *token;
    earlier.proof.as_object()["checkpoint"] = "0/1000028";
    earlier.proof.as_object()["end"] = "0/10000A0";
    EXPECT_EQ(awaitToken(earlier).error().code, ErrorCode::IdentityMismatch);
    Token timeline = *token;
    timeline.proof.as_object()["timeline"] = 7;
    EXPECT_EQ(awaitToken(timeline).error().code, ErrorCode::IdentityMismatch);
    EXPECT_EQ(replicaSql("SELECT pg_is_in_recovery()"), "t");
    SWB_REQUIRE(unfence());
}

// The old primary was started behind everybody's back and wrote: it is refused, and its data kept.
TEST_F(PostgresqlTraps, ADivergedOldPrimaryIsRefusedAndKept) {
    const auto token = fence();
    SWB_REQUIRE(token);
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    std::filesystem::remove(current->spec.service.data + "/standby.signal");
    driver::DetachedProgram server;
    server.argv = {current->spec.service.bin + "/postgres", "-D", current->spec.service.data};
    server.user = postgresqlUser();
    server.logFile = current->spec.service.socket + "/log";
    SWB_REQUIRE(driver::spawnDetached(server));
    for (int i = 0; i < 1000 && !world->insert(*current, "diverged"); ++i) ::usleep(5000);
    // While it runs as a primary, and after it was killed or stopped.
    for (const int how : {0, SIGQUIT, SIGINT}) {
        if (how == SIGINT) {
            SWB_REQUIRE(driver::spawnDetached(server));
            for (int i = 0; i < 1000 && !runSql(current->spec, "SELECT 1"); ++i) ::usleep(5000);
        }
        if (how != 0) {
            const auto postmaster = driver::postgresql::findPostmaster(current->spec.service.data);
            ASSERT_TRUE(postmaster);
            driver::sendSignal(*postmaster, how);
            ASSERT_TRUE(driver::awaitExit(*postmaster, SystemClock().monotonic() + 10'000));
        }
        const auto refused = rejoin(*token);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::IdentityMismatch) << describe(refused.error());
    }
    SWB_REQUIRE(driver::spawnDetached(server));
    for (int i = 0; i < 1000 && !runSql(current->spec, "SELECT 1"); ++i) ::usleep(5000);
    EXPECT_EQ(world->tags(*current).count("diverged"), 1U);
}

TEST_F(PostgresqlTraps, ABootGuardThatSaysReplicaStopsAPrimary) {
    const auto started = current->driver->ensureRunning(current->spec, "replica", current->context());
    SWB_REQUIRE(started);
    EXPECT_EQ(textAt(*started, "role"), "stopped");
    EXPECT_FALSE(postmasterPid(current->spec));
    EXPECT_TRUE(fileExists(current->spec.service.data + "/standby.signal"));
    // Still so after the agent's restart.
    current->restartAgent();
    const auto again = current->driver->ensureRunning(current->spec, "replica", current->context());
    SWB_REQUIRE(again);
    EXPECT_EQ(textAt(*again, "role"), "stopped");
    SWB_REQUIRE(unfence());
    EXPECT_TRUE(world->insert(*current, "again"));
    // A crashed replica is started as one, whatever its directory says.
    killPostgresqlServer(standby->spec);
    std::filesystem::remove(standby->spec.service.data + "/standby.signal");
    const auto replica = standby->driver->ensureRunning(standby->spec, "replica", standby->context());
    SWB_REQUIRE(replica);
    EXPECT_EQ(textAt(*replica, "role"), "replica");
}

TEST_F(PostgresqlTraps, OpenTransactionsDoNotSurviveTheFenceHalfDone) {
    const auto deadline = SystemClock().monotonic() + 10'000;
    auto open = driver::postgresql::Connection::open({{"host", current->spec.service.socket},
                                                      {"port", std::to_string(current->spec.address.port)},
                                                      {"user", "shop"},
                                                      {"dbname", "shop"}},
                                                     postgresqlUser(), deadline);
    SWB_REQUIRE(open);
    SWB_REQUIRE(open->query("BEGIN", deadline));
    SWB_REQUIRE(open->query("INSERT INTO items (tag) VALUES ('uncommitted')", deadline));
    const auto token = fence();
    SWB_REQUIRE(token);
    EXPECT_FALSE(open->query("COMMIT", deadline));
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    EXPECT_EQ(world->tags(*standby).count("uncommitted"), 0U);
}

TEST_F(PostgresqlTraps, StaleSlotsAreDroppedAndOthersKept) {
    primarySql("SELECT pg_create_physical_replication_slot('swb_old_one', true)");
    primarySql("SELECT pg_create_physical_replication_slot('somebody_else', true)");
    prepare();
    EXPECT_EQ(primarySql("SELECT string_agg(slot_name, ',' ORDER BY slot_name) FROM pg_replication_slots"),
              "somebody_else," + standby->slot);
    const auto token = fence();
    SWB_REQUIRE(token);
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    SWB_REQUIRE(rejoin(*token));
    // The slot for the former replica would pin the log of the demoted server for ever.
    EXPECT_EQ(primarySql("SELECT string_agg(slot_name, ',') FROM pg_replication_slots"), "somebody_else");
    const auto released = standby->driver->releaseSource(standby->spec, {current->slot}, standby->context());
    SWB_REQUIRE(released);
    EXPECT_EQ(replicaSql("SELECT count(*) FROM pg_replication_slots"), "0");
    EXPECT_FALSE(current->driver->testSource(current->spec, standby->peer(), current->context(3000)));
}

TEST_F(PostgresqlTraps, FactsNameCollationsAndThePeer) {
    const driver::Peer peer = current->peer();
    (void)standby->driver->inspect(standby->spec, &peer, standby->context());
    const double start = preciseMs();
    const Json facts = standby->driver->inspect(standby->spec, nullptr, standby->context());
    EXPECT_LT(preciseMs() - start, 200) << "inspection is for every second";
    EXPECT_EQ(textAt(facts, "receiverStatus"), "streaming");
    EXPECT_EQ(textAt(facts, "receiverSlot"), standby->slot);
    ASSERT_TRUE(memberAt(facts, "databases")->is_array());
    bool seen = false;
    for (const auto& database : memberAt(facts, "databases")->as_array()) {
        seen = seen || textAt(database, "name") == "shop";
        EXPECT_TRUE(memberAt(database, "collationVersion") && memberAt(database, "actualCollationVersion"));
    }
    EXPECT_TRUE(seen);
    const Json source = current->driver->inspect(current->spec, nullptr, current->context());
    EXPECT_EQ(textAt(source, "systemId"), textAt(facts, "systemId"));
    ASSERT_EQ(memberAt(source, "replicas")->as_array().size(), 1U);
    EXPECT_EQ(textAt(memberAt(source, "replicas")->as_array()[0], "application"), standby->slot);
    const auto token = fence();
    SWB_REQUIRE(token);
    // The file is final before the postmaster has gone.
    for (int i = 0; i < 2000 && postmasterPid(current->spec); ++i) ::usleep(5000);
    const Json stopped = current->driver->inspect(current->spec, nullptr, current->context());
    EXPECT_EQ(textAt(stopped, "role"), "stopped");
    EXPECT_EQ(textAt(stopped, "position"), textAt(token->proof, "end"));
    EXPECT_EQ(textAt(stopped, "controlState"), "shut down");
}

TEST_F(PostgresqlTraps, EndSwitchPutsTheSettingsBack) {
    prepare();
    EXPECT_EQ(replicaSql("SHOW wal_retrieve_retry_interval"), "10ms");
    SWB_REQUIRE(standby->driver->endSwitch(standby->spec, standby->context()));
    ::usleep(50'000);
    EXPECT_EQ(replicaSql("SHOW wal_retrieve_retry_interval"), "100ms");
    SWB_REQUIRE(standby->driver->endSwitch(standby->spec, standby->context()));
}

// A promotion in the moment the primary goes away slept 5 s in one of five: never, with the interval lowered.
TEST_F(PostgresqlTraps, NoPromotionSleeps) {
    double longest = 0;
    for (int round = 0; round < 20; ++round) {
        prepare();
        ASSERT_FALSE(HasFatalFailure());
        const auto token = fence();
        SWB_REQUIRE(token);
        SWB_REQUIRE(awaitToken(*token));
        const double start = preciseMs();
        SWB_REQUIRE(promote(*token));
        longest = std::max(longest, preciseMs() - start);
        SWB_REQUIRE(rejoin(*token));
        std::swap(current, standby);
    }
    EXPECT_LT(longest, 1000);
}

TEST_F(PostgresqlTraps, APromotionOutsideASwitchNeedsAcceptanceWhenTheLossIsUnknown) {
    killPostgresqlServer(current->spec);
    for (int i = 0; i < 500 && replicaSql("SELECT count(*) FROM pg_stat_wal_receiver") != "0"; ++i) ::usleep(5000);
    const auto refused = standby->driver->promoteStandalone(standby->spec, false, standby->context());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::ReplicaNotReady);
    replicaSql("SELECT pg_wal_replay_pause()");
    const auto accepted = standby->driver->promoteStandalone(standby->spec, true, standby->context());
    SWB_REQUIRE(accepted);
    EXPECT_EQ(textAt(*accepted, "role"), "primary");
    EXPECT_EQ(integerAt(*accepted, "timeline"), 2);
    EXPECT_EQ(control(*standby).timeline, 2U) << "a checkpoint on the new timeline belongs to it";
    EXPECT_TRUE(world->insert(*standby, "after"));
}

TEST_F(PostgresqlTraps, CertificatesMustBeOfOurKeysAndOurRole) {
    const auto requests = current->driver->certificateRequests(current->spec, current->context());
    SWB_REQUIRE(requests);
    const auto again = current->driver->certificateRequests(current->spec, current->context());
    SWB_REQUIRE(again);
    const auto other = crypto::createAuthority("other", 1);
    ASSERT_TRUE(other);
    const auto authority = crypto::CertificateAuthority::load(other->certificatePem, other->keyPem);
    ASSERT_TRUE(authority);
    crypto::SignRequest server, client;
    server.commonName = client.commonName = "swingbridge_repl";
    server.usage = crypto::CertificateUsage::server;
    client.usage = crypto::CertificateUsage::client;
    const auto serverText = authority->sign(requests->server, server).value();
    const auto install = [&](const std::string& first, const std::string& second) {
        return current->driver->installCertificates(current->spec, {other->certificatePem, first, second},
                                                    current->context());
    };
    // The two mixed up, and a client certificate for another name.
    EXPECT_FALSE(install(authority->sign(requests->client, client).value(), serverText));
    client.commonName = "somebody";
    const auto refused = install(serverText, authority->sign(requests->client, client).value());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::CertificateRejected);
    // Nothing of it was taken up.
    SWB_REQUIRE(standby->driver->testSource(standby->spec, current->peer(), standby->context()));
}

class PostgresqlArchiving : public PostgresqlTraps {
  protected:
    void SetUp() override { begin("archive_mode = on\narchive_command = 'sleep 3'\n"); }
};

// The archive command holds the postmaster for seconds; pg_control is final long before, and that is what counts.
TEST_F(PostgresqlArchiving, ASlowArchiveCommandDelaysNeitherFenceNorRejoin) {
    primarySql("SELECT pg_switch_wal()");
    const double start = preciseMs();
    const auto token = fence();
    SWB_REQUIRE(token);
    EXPECT_LT(preciseMs() - start, 2000);
    SWB_REQUIRE(awaitToken(*token));
    SWB_REQUIRE(promote(*token));
    SWB_REQUIRE(rejoin(*token));
    EXPECT_LT(preciseMs() - start, 6000);
}

TEST(PostgresqlSource, OnlyTheCertificateOpensReplicationAndFormerTlsComesBack) {
    PostgresqlWorld world;
    DatabaseSide& side = world.a();
    // A server with TLS of its own, self-made.
    const auto own = crypto::createAuthority("own", 1);
    ASSERT_TRUE(own);
    const std::string data = side.spec.service.data;
    ASSERT_TRUE(driver::writeFileAs(postgresqlUser(), data + "/own.pem", own->certificatePem, 0600));
    ASSERT_TRUE(driver::writeFileAs(postgresqlUser(), data + "/own.key", own->keyPem.reveal(), 0600));
    world.sql(side, "ALTER SYSTEM SET ssl_cert_file = 'own.pem'");
    world.sql(side, "ALTER SYSTEM SET ssl_key_file = 'own.key'");
    world.sql(side, "ALTER SYSTEM SET ssl = on");
    world.sql(side, "SELECT pg_reload_conf()");
    ::usleep(200'000);
    world.link();
    EXPECT_NE(world.sql(side, "SHOW ssl_cert_file"), "own.pem");
    // Without a client certificate the line at the top turns the role away; a wrong name does not even get that far.
    const auto deadline = SystemClock().monotonic() + 5000;
    const auto naked = driver::postgresql::Connection::open({{"host", side.spec.address.host},
                                                             {"port", std::to_string(side.spec.address.port)},
                                                             {"user", "swingbridge_repl"},
                                                             {"replication", "true"},
                                                             {"sslmode", "require"}},
                                                            postgresqlUser(), deadline);
    EXPECT_FALSE(naked);
    const auto hba = readFile(data + "/pg_hba.conf");
    ASSERT_TRUE(hba);
    EXPECT_EQ(driver::postgresql::hbaEntries(*hba).size(), 1U);
    SWB_REQUIRE(side.driver->releaseSource(side.spec, {world.b().slot}, side.context()));
    ::usleep(100'000);
    EXPECT_EQ(world.sql(side, "SHOW ssl_cert_file"), "own.pem");
}

// Debian's own wrapper and files: the driver starts through pg_ctlcluster, and a fence is a cluster that is disabled
// for everybody.
TEST(PostgresqlCluster, IsFencedInDebiansOwnWords) {
    if (driver::findProgram("pg_ctlcluster").empty()) GTEST_SKIP() << "postgresql-common is not installed";
    const std::string version = std::filesystem::path(postgresqlPrograms()).parent_path().filename();
    if (!fileExists("/usr/lib/postgresql/" + version + "/bin/pg_ctl"))
        GTEST_SKIP() << "postgresql-common knows no version " << version << ": it looks in /usr/lib/postgresql only";
    const std::string directory = makeTestDirectory("pg-cluster");
    const std::string root = directory + "/etc", configuration = root + "/" + version + "/main";
    DatabaseSide side;
    side.application = "shop-fra";
    side.stateDirectory = directory + "/agent";
    side.spec = makePostgresqlServer(directory, "127.0.10.1", {"", false, false});
    side.restartAgent();
    ServiceSpec& service = side.spec.service;
    service.manage = Manage::pg_ctlcluster;
    service.unit = "main";
    service.version = version;
    // As Debian lays it out: configuration outside of the data directory.
    std::filesystem::create_directories(configuration);
    for (const char* name : {"postgresql.conf", "pg_hba.conf", "pg_ident.conf"})
        std::filesystem::rename(service.data + "/" + name, configuration + "/" + name);
    ASSERT_TRUE(appendAndFlush(configuration + "/postgresql.conf",
                               "data_directory = '" + service.data + "'\nhba_file = '" + configuration +
                                   "/pg_hba.conf'\nident_file = '" + configuration + "/pg_ident.conf'\n"));
    ASSERT_TRUE(writeFileAtomically(configuration + "/start.conf", "# how it starts\nmanual\n", 0644));
    std::filesystem::create_symlink(service.socket + "/log", configuration + "/log");
    const auto user = postgresqlUser();
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root))
        EXPECT_EQ(::lchown(entry.path().c_str(), user.uid, user.gid), 0);
    ::setenv("PG_CLUSTER_CONF_ROOT", root.c_str(), 1);
    const auto started = side.driver->ensureRunning(side.spec, "", side.context());
    EXPECT_TRUE(started) << describe(started.error());
    // The operating system starts these: the agent only looks. Here the test is the operating system.
    const auto manager = driver::postgresql::makeServiceManager({service, user, side.stateDirectory + "/m", ""});
    const auto up = manager->start(side.context());
    EXPECT_TRUE(up) << describe(up.error());
    while (!runSql(side.spec, "SELECT 1") && side.context().remainingMs() > 0 && postmasterPid(side.spec))
        ::usleep(5000);
    const auto token = side.driver->fence(side.spec, 3, side.context());
    EXPECT_TRUE(token) << describe(token.error());
    EXPECT_NE(readFile(configuration + "/start.conf").value().find("disabled"), std::string::npos);
    EXPECT_EQ(manager->start(side.context()).error().code, ErrorCode::GuardRefused);
    const auto again = side.driver->fence(side.spec, 3, side.context());
    EXPECT_TRUE(again && toText(again->proof) == toText(token->proof));
    const auto back = side.driver->unfence(side.spec, side.context());
    EXPECT_TRUE(back) << describe(back.error());
    EXPECT_EQ(readFile(configuration + "/start.conf").value().find("disabled"), std::string::npos);
    EXPECT_EQ(runSql(side.spec, "SELECT pg_is_in_recovery()").value_or("?"), "f");
    EXPECT_TRUE(side.driver->stop(side.spec, side.context()));
    EXPECT_FALSE(postmasterPid(side.spec));
    ::unsetenv("PG_CLUSTER_CONF_ROOT");
    killPostgresqlServer(side.spec);
    (void)driver::removeTree(directory);
}

}  // namespace swb::test
