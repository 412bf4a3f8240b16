// What differs between PostgreSQL's major versions: the control file, the log's records, the facts' statements, the
// order of an end. Needs of a server's programs only `postgres` and `initdb`, so it runs with any version that is at
// hand (scripts/postgresql-versions); in `make test` with the installed one.
#include <gmock/gmock.h>

#include <filesystem>

#include "base/file.h"
#include "conformance/postgresql_switches.h"
#include "driver/postgresql/rejoin.h"
#include "driver/support/files.h"

namespace swb::test {

class PostgresqlVersions : public ::testing::Test {
  protected:
    // The standby is a copy of the stopped primary's files: pg_basebackup need not be there.
    void SetUp() override {
        ASSERT_TRUE(world.insert(world.a(), "before"));
        for (DatabaseSide* side : {&world.a(), &world.b()}) world.installCertificates(*side);
        SWB_REQUIRE(world.a().driver->prepareSource(world.a().spec, world.a().application, world.b().peer(),
                                                    world.b().slot, world.a().context()));
        for (DatabaseSide* side : {&world.a(), &world.b()})
            SWB_REQUIRE(side->driver->stop(side->spec, side->context()));
        copyFiles();
        const DatabaseSpec& spec = world.b().spec;
        const auto instance = driver::postgresql::Instance::open(spec, world.b().context(), pool);
        SWB_REQUIRE(instance);
        SWB_REQUIRE(instance->putStandbySignal(true));
        SWB_REQUIRE(driver::postgresql::writeReplicaSettings(*instance, world.a().peer(), world.b().slot));
        for (DatabaseSide* side : {&world.a(), &world.b()})
            SWB_REQUIRE(side->driver->ensureRunning(side->spec, "", side->context()));
        SWB_REQUIRE(
            world.b().driver->prepareSource(spec, world.b().application, world.a().peer(), "", world.b().context()));
        for (int i = 0; i < 2000 && !streams(); ++i) ::usleep(5000);
        ASSERT_TRUE(streams());
    }
    void copyFiles() {
        const std::string from = world.a().spec.service.data, to = world.b().spec.service.data;
        const std::string kept = readFile(to + "/postgresql.conf").value_or("");
        ASSERT_FALSE(kept.empty());
        std::filesystem::remove_all(to);
        driver::ProgramCall copy;
        copy.argv = {"cp", "-a", from, to};
        SWB_REQUIRE(driver::runChecked(copy, world.b().context()));
        SWB_REQUIRE(driver::writeFileAs(postgresqlUser(), to + "/postgresql.conf", kept, 0600));
    }
    bool streams() { return world.sql(world.b(), "SELECT status FROM pg_stat_wal_receiver") == "streaming"; }
    Json facts(DatabaseSide& side, DatabaseSide& other) {
        const driver::Peer peer = other.peer();
        return side.driver->inspect(side.spec, &peer, side.context());
    }

    driver::postgresql::ConnectionPool pool;
    PostgresqlWorld world;
};

TEST_F(PostgresqlVersions, FactsAreComplete) {
    const std::string version = world.sql(world.a(), "SHOW server_version_num");
    RecordProperty("server_version_num", version);
    for (DatabaseSide* side : {&world.a(), &world.b()}) {
        const bool primary = side == &world.a();
        const Json seen = facts(*side, primary ? world.b() : world.a());
        EXPECT_EQ(textAt(seen, "error"), "") << toText(seen);
        EXPECT_EQ(textAt(seen, "role"), primary ? "primary" : "replica");
        EXPECT_TRUE(booleanAt(seen, "canConnectToPeer")) << toText(seen);
        EXPECT_TRUE(memberAt(seen, "onlyHere")->is_null());
        EXPECT_GE(memberAt(seen, "databases")->as_array().size(), 2U) << toText(seen);
        EXPECT_TRUE(memberAt(seen, "settings")->is_object()) << toText(seen);
    }
    EXPECT_EQ(textAt(facts(world.b(), world.a()), "receiverStatus"), "streaming");
    SWB_REQUIRE(world.b().driver->stop(world.b().spec, world.b().context()));
    const Json stopped = facts(world.b(), world.a());
    EXPECT_EQ(textAt(stopped, "role"), "stopped");
    EXPECT_EQ(textAt(stopped, "systemId"), textAt(facts(world.a(), world.b()), "systemId"));
    EXPECT_TRUE(memberAt(stopped, "onlyHere")->is_null()) << "its log is compared with the source's";
}

TEST_F(PostgresqlVersions, SwitchesToAndFro) {
    switchToAndFro(world, 10, 100);
}

TEST_F(PostgresqlVersions, AFenceIsTakenBack) {
    DatabaseSide& primary = world.a();
    SWB_REQUIRE(primary.driver->prepareSwitchSource(primary.spec, world.b().slot, primary.context()));
    const auto token = primary.driver->fence(primary.spec, 2, primary.context());
    SWB_REQUIRE(token);
    SWB_REQUIRE(world.b().driver->awaitToken(world.b().spec, *token, world.b().context()));
    EXPECT_FALSE(world.insert(primary, "fenced"));
    SWB_REQUIRE(primary.driver->unfence(primary.spec, primary.context()));
    EXPECT_TRUE(world.insert(primary, "writes-again"));
    EXPECT_FALSE(world.b().driver->promote(world.b().spec, {token->database, world.laterToken(token->proof)},
                                           world.b().context(2000)))
        << "a token that the replica has not reached";
}

}  // namespace swb::test
