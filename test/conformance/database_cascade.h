// Replicas of replicas (F18, F19), through switches of what is above them: a tree of copies keeps its shape, everybody
// in it has every row, nobody but the database that was promoted becomes a primary, and no part of it is in the way.
//
//     shop-fra ◄────── shop-nyc            the databases of two applications; a switch turns this link round
//        ▲                ▲
//     shop-fra.reports  shop-nyc.reports   replicas inside them
//                         ▲
//                       shop-sgp           another application's, two links away
#pragma once

#include <filesystem>
#include <map>

#include "database_conformance.h"

namespace swb::test {

class DatabaseCascade : public DatabaseConformance {
  protected:
    void SetUp() override {
        DatabaseConformance::SetUp();
        below(world->a(), "shop-fra.reports", "127.0.31.1");
        if (HasFatalFailure()) return;
        DatabaseSide& reports = below(world->b(), "shop-nyc.reports", "127.0.31.2");
        if (HasFatalFailure()) return;
        below(reports, "shop-sgp", "127.0.31.3");
    }
    // As `swing replication enable --from SOURCE --to COPY` does it.
    DatabaseSide& below(DatabaseSide& source, const std::string& copy, const std::string& host) {
        DatabaseSide& side = world->addSide(copy, host);
        followers.push_back(&side);
        sources[&side] = &source;
        attach(source, side);
        return side;
    }
    void attach(DatabaseSide& source, DatabaseSide& side) {
        constexpr int64_t patienceMs = 60'000;
        for (DatabaseSide* each : {&source, &side}) world->installCertificates(*each);
        SWB_REQUIRE(source.driver->prepareSource(source.spec, source.application, side.peer(), side.slot,
                                                 source.context(patienceMs)));
        SWB_REQUIRE(side.driver->testSource(side.spec, source.peer(), side.context()));
        SWB_REQUIRE(side.driver->seed(side.spec, side.application, source.peer(), side.slot, side.context(patienceMs)));
    }
    void expectEverywhere() {
        expectReplicated();
        for (DatabaseSide* side : followers) {
            const MonotonicMs deadline = SystemClock().monotonic() + 15'000;
            while (world->tags(*side) != written && SystemClock().monotonic() < deadline) ::usleep(5000);
            EXPECT_EQ(world->tags(*side), written) << side->application;
            const Json facts = side->driver->inspect(side->spec, nullptr, side->context());
            EXPECT_EQ(textAt(facts, "role"), "replica") << side->application;
            EXPECT_EQ(textAt(facts, "receiverStatus"), "streaming") << side->application << toText(facts);
        }
    }
    // What their sources show of them: what links are judged by.
    void expectSeenBySources() {
        for (DatabaseSide* side : followers) {
            DatabaseSide& source = *sources.at(side);
            const Json facts = source.driver->inspect(source.spec, nullptr, source.context());
            bool seen = false;
            for (const Json& row : memberAt(facts, "replicas")->as_array())
                seen |= textAt(row, "application") == side->slot && textAt(row, "state") == "streaming";
            EXPECT_TRUE(seen) << side->application << " at " << source.application << ": " << toText(facts);
        }
    }

    // Some engines see that a replica has gone when they have the next thing to send it.
    void expectNotListed(DatabaseSide& source, DatabaseSide& gone) {
        const MonotonicMs deadline = SystemClock().monotonic() + 10'000;
        bool listed = true;
        while (listed && SystemClock().monotonic() < deadline) {
            expectWritable(*current);
            listed = false;
            const Json facts = source.driver->inspect(source.spec, nullptr, source.context());
            for (const Json& row : memberAt(facts, "replicas")->as_array())
                listed |= textAt(row, "application") == gone.slot;
            ::usleep(20'000);
        }
        EXPECT_FALSE(listed);
    }

    std::vector<DatabaseSide*> followers;
    std::map<DatabaseSide*, DatabaseSide*> sources;
};

TEST_P(DatabaseCascade, TheTreeFollowsThroughSwitchesThereAndBack) {
    expectWritable(*current);
    expectEverywhere();
    for (int round = 0; round < 4; ++round) {
        switchOver();
        ASSERT_FALSE(HasFatalFailure());
        expectWritable(*current);
        expectEverywhere();
    }
    expectSeenBySources();
    for (DatabaseSide* side : followers) EXPECT_FALSE(world->insert(*side, "not-here")) << side->application;
}

// Everything of a server stops where it is, as a machine that hangs: its connections stay open and answer nothing.
class Hanging {
  public:
    explicit Hanging(const DatabaseSpec& spec) {
        for (int pid : pidsOf(spec)) {
            ::kill(pid, SIGSTOP);
            stopped_.push_back(pid);
        }
        EXPECT_FALSE(stopped_.empty());
    }
    ~Hanging() {
        for (int pid : stopped_) ::kill(pid, SIGCONT);
    }

  private:
    // A database works in its data directory.
    static std::vector<int> pidsOf(const DatabaseSpec& spec) {
        std::vector<int> pids;
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            const std::string name = entry.path().filename();
            if (name.find_first_not_of("0123456789") != std::string::npos) continue;
            std::error_code error;
            const std::string place = std::filesystem::read_symlink(entry.path() / "cwd", error);
            if (!error && place.starts_with(spec.service.data)) pids.push_back(std::stoi(name));
        }
        return pids;
    }
    std::vector<int> stopped_;
};

TEST_P(DatabaseCascade, AReplicaThatHangsIsNotInTheWay) {
    expectWritable(*current);
    expectEverywhere();
    const MonotonicMs start = SystemClock().monotonic();
    {
        const Hanging own(followers[0]->spec), others(followers[1]->spec);
        for (int index = 0; index < 50; ++index) expectWritable(*current);
        switchOver();
        ASSERT_FALSE(HasFatalFailure());
        expectWritable(*current);
        expectReplicated();
    }
    EXPECT_LT(SystemClock().monotonic() - start, 8'000);
    expectEverywhere();
    switchOver();
    ASSERT_FALSE(HasFatalFailure());
    expectWritable(*current);
    expectEverywhere();
}

TEST_P(DatabaseCascade, ASourceThatIsSeededAnewLetsThemInAgain) {
    expectWritable(*current);
    expectEverywhere();
    SWB_REQUIRE(standby->driver->seed(standby->spec, standby->application, current->peer(), standby->slot,
                                      standby->context(60'000)));
    DatabaseSide& side = *followers[1];
    SWB_REQUIRE(standby->driver->prepareSource(standby->spec, standby->application, side.peer(), side.slot,
                                               standby->context()));
    expectWritable(*current);
    // PostgreSQL's copy has no log from before itself. Who needs that is seeded in turn, and those below it.
    for (size_t index : {1, 2}) {
        DatabaseSide& follower = *followers[index];
        const MonotonicMs deadline = SystemClock().monotonic() + 2000;
        while (world->tags(follower) != written && SystemClock().monotonic() < deadline) ::usleep(5000);
        if (world->tags(follower) != written) attach(*sources.at(&follower), follower);
        ASSERT_FALSE(HasFatalFailure());
    }
    expectEverywhere();
    switchOver();
    ASSERT_FALSE(HasFatalFailure());
    expectWritable(*current);
    expectEverywhere();
}

TEST_P(DatabaseCascade, EndedAndBegunAgain) {
    DatabaseSide& side = *followers[0];
    expectWritable(*current);
    expectEverywhere();
    SWB_REQUIRE(side.driver->promoteStandalone(side.spec, true, side.context()));
    SWB_REQUIRE(current->driver->releaseSource(current->spec, {side.slot}, current->context()));
    expectNotListed(*current, side);
    attach(*current, side);
    ASSERT_FALSE(HasFatalFailure());
    expectEverywhere();
    switchOver();
    ASSERT_FALSE(HasFatalFailure());
    expectWritable(*current);
    expectEverywhere();
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DatabaseConformance);

}  // namespace swb::test
