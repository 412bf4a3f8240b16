// Two PostgreSQL servers of one origin that have parted: what the tests of divergence have in common.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "driver/postgresql/managers.h"
#include "driver/support/files.h"
#include "driver/support/program.h"
#include "support/child_process.h"
#include "support/postgresql_fixture.h"

namespace swb::test {

// `former` was the primary and is linked to `present`, which was promoted without it.
class PostgresqlDivergence : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_EQ(inChild(nullptr, [&] { return world.link(), true; }), 0);
        ASSERT_TRUE(world.insert(*former, "common"));
    }
    void waitForCatchUp() {
        for (int i = 0; i < 2000 && world.tags(*present) != world.tags(*former); ++i) ::usleep(5000);
        ASSERT_EQ(world.tags(*present), world.tags(*former));
    }
    void part() {
        waitForCatchUp();
        SWB_REQUIRE(present->driver->promoteStandalone(present->spec, true, present->context()));
        const std::string round = std::to_string(++rounds);
        for (const char* tag : {"lost-1-", "lost-2-", "lost-3-"}) ASSERT_TRUE(world.insert(*former, tag + round));
        ASSERT_TRUE(world.insert(*present, "won-" + round));
        common.insert("won-" + round);
    }
    Result<Json> seed(int64_t milliseconds = 60'000) {
        const auto source = present->driver->prepareSource(present->spec, present->application, former->peer(),
                                                           former->slot, present->context());
        if (!source) return source;
        return former->driver->seed(former->spec, former->application, present->peer(), former->slot,
                                    former->context(milliseconds));
    }
    // In a process of its own; null when that did not come to an end.
    Json seedApart(const char* faultPoint) {
        const std::string answer = world.directory() + "/answer";
        std::filesystem::remove(answer);
        inChild(faultPoint, [&] {
            const auto seeded = seed();
            const std::string text = seeded ? toText(*seeded) : toText(Json(describe(seeded.error())));
            return writeFileAtomically(answer, text, 0600).has_value();
        });
        former->restartAgent();
        return parseJson(readFile(answer).value_or("null")).value_or(nullptr);
    }
    void expectFollows() {
        waitForCatchUp();
        EXPECT_EQ(world.tags(*former), common);
        EXPECT_EQ(world.sql(*former, "SHOW port"), std::to_string(former->spec.address.port));
        EXPECT_EQ(world.sql(*former, "SHOW listen_addresses"), former->spec.address.host);
        EXPECT_EQ(world.sql(*former, "SHOW primary_slot_name"), former->slot);
        EXPECT_THAT(world.sql(*former, "SHOW primary_conninfo"), ::testing::HasSubstr("verify-full"));
        for (const char* suffix : {".swingbridge-new", ".swingbridge-old"})
            EXPECT_FALSE(driver::directoryExists(former->spec.service.data + suffix));
    }
    // The kept log is readable and holds the commits.
    void expectSaved(const Json& report) {
        ASSERT_TRUE(report.is_object()) << toText(report);
        EXPECT_EQ(integerAt(report, "commits"), 3) << toText(report);
        EXPECT_TRUE(booleanAt(report, "complete"));
        const std::string directory = textAt(report, "directory");
        EXPECT_THAT(directory, ::testing::HasSubstr(former->spec.service.data + ".swingbridge-only-here-" +
                                                    std::to_string(rounds) + "-0-"));
        const auto text = readFile(directory + "/report.json");
        SWB_REQUIRE(text);
        EXPECT_EQ(integerAt(parseJson(*text).value(), "commits"), 3);
        driver::ProgramCall dump;
        dump.argv = {former->spec.service.bin + "/pg_waldump",
                     "-p",
                     directory,
                     "-t",
                     std::to_string(rounds),
                     "-s",
                     textAt(report, "since")};
        dump.user = postgresqlUser();
        const auto seen = driver::runProgram(dump, former->context());
        SWB_REQUIRE(seen);
        EXPECT_THAT(seen->output, ::testing::HasSubstr("COMMIT"));
    }
    void endHard() {
        killPostgresqlServer(former->spec);
        ASSERT_FALSE(postmasterPid(former->spec));
    }

    PostgresqlWorld world;
    DatabaseSide* former = &world.a();
    DatabaseSide* present = &world.b();
    std::set<std::string> common = {"common"};
    int rounds = 0;  // each promotion begins another timeline
};

}  // namespace swb::test
