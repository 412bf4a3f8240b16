// Two agents, each with its own directory and ledger, on two real PostgreSQL servers: a switch by verbs, its timing,
// and an agent killed at every point of the two verbs that make the write outage.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>

#include "agent/executor.h"
#include "agent/supervisor.h"
#include "base/file.h"
#include "base/ids.h"
#include "crypto/certificate.h"
#include "support/postgresql_fixture.h"

namespace swb::test {
namespace {

// One agent without its connection.
class Site {
  public:
    explicit Site(std::string root)
        : directory{std::move(root)},
          guards(directory.guards()),
          applications(directory.applications()),
          services{directory, "test", *drivers, guards, applications, locks} {
        EXPECT_TRUE(directory.make());
        EXPECT_TRUE(applications.load());
        begin();
    }
    // As a restart of the agent.
    void begin() {
        executor.reset();
        ledger = std::move(*agent::Ledger::open(directory.ledger()));
        executor = std::make_unique<agent::Executor>(services, *ledger, agent::verbTable(),
                                                     [this](const link::Message& message) {
                                                         const std::lock_guard guard(mutex);
                                                         if (const auto* outcome = std::get_if<link::Outcome>(&message))
                                                             outcomes[outcome->id] = *outcome;
                                                         heard.notify_all();
                                                     });
    }
    link::Outcome await(const std::string& id) {
        std::unique_lock lock(mutex);
        heard.wait_for(lock, std::chrono::seconds(90), [&] { return outcomes.count(id) > 0; });
        return outcomes[id];
    }
    link::Outcome execute(const link::Command& command) {
        executor->submit(command);
        return await(command.id);
    }

    agent::AgentDirectory directory;
    std::unique_ptr<agent::Drivers> drivers = agent::makeDrivers();
    agent::BootGuards guards;
    agent::Applications applications;
    agent::Locks locks;
    agent::Services services;
    std::mutex mutex;
    std::condition_variable heard;
    std::map<std::string, link::Outcome> outcomes;
    std::unique_ptr<agent::Ledger> ledger;
    std::unique_ptr<agent::Executor> executor;
};

Json peerJson(const DatabaseSide& side) {
    return JsonObject{
        {"application", side.application}, {"host", side.spec.address.host}, {"port", side.spec.address.port}};
}

Json databaseJson(const DatabaseSide& side) {
    Json value = toJson(side.spec);
    value.as_object()["name"] = side.spec.name;
    return value;
}

class AgentOnPostgresql : public testing::Test {
  protected:
    static link::Command command(const std::string& verb, Json args, int64_t epoch, int64_t deadlineMs = 60'000) {
        return {newId("c"), "r-1", "step", "shop", epoch, verb, std::move(args), deadlineMs};
    }
    Json require(Site& site, const std::string& verb, Json args, int64_t epoch) {
        const auto outcome = site.execute(command(verb, std::move(args), epoch));
        EXPECT_EQ(outcome.status, link::OutcomeStatus::done)
            << verb << ": " << (outcome.error ? describe(*outcome.error) : "no outcome");
        milliseconds[verb] = outcome.milliseconds;
        return outcome.result;
    }
    // Everything up to a streaming replica, by verbs alone.
    void link(Site& fra, Site& nyc) {
        const auto authority = *crypto::createAuthority("test", 30);
        const auto signer = *crypto::CertificateAuthority::load(authority.certificatePem, authority.keyPem);
        for (auto [site, side] : {std::pair{&fra, &a()}, std::pair{&nyc, &b()}}) {
            JsonObject databases{{side->spec.name, toJson(side->spec)}};
            require(*site, "application.configure",
                    JsonObject{{"application", side->application}, {"databases", std::move(databases)}}, 1);
            const Json requests =
                require(*site, "database.certificate-request", JsonObject{{"database", databaseJson(*side)}}, 1);
            const std::string host = side->spec.address.host;
            const auto server = signer.sign(textAt(requests, "serverRequest"),
                                            {host, {}, {host}, crypto::CertificateUsage::server, 24});
            const auto client = signer.sign(textAt(requests, "clientRequest"),
                                            {"swingbridge_repl", {}, {}, crypto::CertificateUsage::client, 24});
            require(*site, "database.install-certificates",
                    JsonObject{{"database", databaseJson(*side)},
                               {"authority", authority.certificatePem},
                               {"serverCertificate", *server},
                               {"clientCertificate", *client}},
                    1);
        }
        require(fra, "database.prepare-source", sourceArguments(a(), b(), b().slot), 1);
        Json seed = sourceArguments(b(), a(), b().slot);
        seed.as_object()["consent"] = "replace:" + b().application + "/" + b().spec.name;
        // The fixture's servers are copies of one cluster that went different ways: a fork, as far as anybody can see.
        seed.as_object()["acceptDataLoss"] = true;
        require(nyc, "database.seed", seed, 1);
        require(nyc, "database.prepare-source", sourceArguments(b(), a(), ""), 1);
    }
    static Json sourceArguments(DatabaseSide& side, DatabaseSide& peer, const std::string& slot) {
        return JsonObject{{"database", databaseJson(side)},
                          {"application", side.application},
                          {"peer", peerJson(peer)},
                          {"slot", slot}};
    }
    void prepareSwitch(Site& fra, Site& nyc, int64_t epoch) {
        Json source = sourceArguments(a(), b(), b().slot);
        source.as_object()["side"] = "source";
        require(fra, "database.prepare-switch", source, epoch);
        Json replica = sourceArguments(b(), a(), "");
        replica.as_object()["side"] = "replica";
        replica.as_object()["lagBytesMax"] = 1 << 20;
        require(nyc, "database.prepare-switch", replica, epoch);
    }
    Json fenceArguments(const std::string& role, int64_t epoch) {
        return JsonObject{{"databases", JsonArray{databaseJson(a())}},
                          {"guard", JsonObject{{"group", "shop"}, {"epoch", epoch}, {"role", role}}},
                          {"budgetMs", 10'000}};
    }
    Json takeOverArguments(const Json& token) {
        return JsonObject{{"databases", JsonArray{JsonObject{{"database", databaseJson(b())}, {"token", token}}}},
                          {"awaitMs", 10'000}};
    }
    Json rejoinArguments(const Json& token) {
        return JsonObject{
            {"databases",
             JsonArray{JsonObject{
                 {"database", databaseJson(a())}, {"peer", peerJson(b())}, {"slot", a().slot}, {"token", token}}}},
            {"application", a().application}};
    }
    static Json tokenIn(const Json& result) { return memberAt(result, "tokens")->as_array().at(0); }
    void finish(Site& fra, Site& nyc, const Json& token, int64_t epoch) {
        require(nyc, "database.prepare-source", sourceArguments(b(), a(), a().slot), epoch);
        require(fra, "database.rejoin", rejoinArguments(token), epoch);
    }

    // Executes the command in a process of its own that the fault point kills.
    void executeAndDie(const std::string& root, const link::Command& command, const std::string& point) {
        const std::string file = root + "/command";
        ASSERT_TRUE(writeFileAtomically(file, link::encode(command)));
        const pid_t child = ::fork();
        if (child == 0) {
            ::setenv("SWINGBRIDGE_FAULT", point.c_str(), 1);
            ::setenv("SWB_TEST_AGENT_DIRECTORY", root.c_str(), 1);
            ::execl("/proc/self/exe", "agent_postgresql_test", "--gtest_also_run_disabled_tests", "--gtest_brief=1",
                    "--gtest_filter=ChildAgent.DISABLED_Executes", nullptr);
            ::_exit(1);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status)) << "not killed at " << point;
    }

    DatabaseSide& a() { return world.a(); }
    DatabaseSide& b() { return world.b(); }
    std::string agentRoot(const std::string& name) { return world.directory() + "/agent-" + name; }

    PostgresqlWorld world;
    std::map<std::string, int64_t> milliseconds;
};

TEST(ChildAgent, DISABLED_Executes) {
    const char* root = std::getenv("SWB_TEST_AGENT_DIRECTORY");
    ASSERT_TRUE(root);
    Site site(root);
    const auto message = link::decode(*readFile(std::string(root) + "/command"));
    ASSERT_TRUE(message);
    site.execute(std::get<link::Command>(*message));
    site.executor->drain(SystemClock().monotonic() + 10'000);
}

TEST_F(AgentOnPostgresql, SwitchesByVerbsAndComesBackAsReplica) {
    Site fra(agentRoot("fra")), nyc(agentRoot("nyc"));
    link(fra, nyc);
    ASSERT_TRUE(world.insert(a(), "before"));
    prepareSwitch(fra, nyc, 2);
    const double begun = preciseMs();
    const Json token = tokenIn(require(fra, "database.fence", fenceArguments("replica", 2), 2));
    const Json taken = require(nyc, "database.take-over", takeOverArguments(token), 2);
    std::printf("fence %ld ms, take-over %ld ms, both with ledger and guards %.1f ms\n",
                static_cast<long>(milliseconds["database.fence"]),
                static_cast<long>(milliseconds["database.take-over"]), preciseMs() - begun);
    EXPECT_TRUE(world.insert(b(), "after"));
    EXPECT_FALSE(world.insert(a(), "nowhere"));

    // The supervisor leaves what is fenced; after the rejoin it keeps it as a replica.
    agent::Supervisor supervisor(fra.services);
    supervisor.look();
    ASSERT_TRUE(supervisor.awaitIdle(SystemClock().monotonic() + 30'000));
    EXPECT_FALSE(world.insert(a(), "nowhere"));
    finish(fra, nyc, token, 2);
    supervisor.look();
    ASSERT_TRUE(supervisor.awaitIdle(SystemClock().monotonic() + 30'000));
    const Json facts = require(fra, "database.inspect", JsonObject{{"database", databaseJson(a())}}, 2);
    EXPECT_EQ(textAt(facts, "role"), "replica");
    EXPECT_EQ(textAt(*memberAt(facts, "guard"), "role"), "replica");
    EXPECT_FALSE(world.insert(a(), "nowhere"));

    // The agent's own write test: the new primary takes it, the replica does not.
    auto context = b().context(2'000);
    EXPECT_TRUE(b().driver->writeTest(b().spec, Secret(), context));
    context = a().context(200);
    EXPECT_FALSE(a().driver->writeTest(a().spec, Secret(), context));
}

// A machine that comes back without a controller: its database starts in the guard's role only.
TEST_F(AgentOnPostgresql, AReturningServerStaysReplicaWithoutAnybodyToAsk) {
    {
        Site fra(agentRoot("fra"));
        const JsonObject databases{{a().spec.name, toJson(a().spec)}};
        require(fra, "application.configure", JsonObject{{"application", a().application}, {"databases", databases}},
                1);
        ASSERT_TRUE(fra.guards.write({a().application, a().spec.name}, {"shop", 2, "replica", false, 1}));
    }
    killPostgresqlServer(a().spec);
    Site returned(agentRoot("fra"));
    agent::Supervisor supervisor(returned.services);
    supervisor.look();
    ASSERT_TRUE(supervisor.awaitIdle(SystemClock().monotonic() + 60'000));
    const Json facts = require(returned, "database.inspect", JsonObject{{"database", databaseJson(a())}}, 1);
    EXPECT_NE(textAt(facts, "role"), "primary");
    EXPECT_FALSE(world.insert(a(), "nowhere"));
}

struct Kill {
    const char* verb;
    const char* moment;
    const char* settled;  // what the restarted agent may say, as words
};

class KilledAgent : public AgentOnPostgresql, public testing::WithParamInterface<Kill> {};

// Whatever the successor says, repeating the verb with a new id completes it, and no row is lost.
TEST_P(KilledAgent, SettlesAndTheSwitchIsCompleted) {
    const Kill kill = GetParam();
    const bool atFence = std::string_view(kill.verb) == "database.fence";
    auto fra = std::make_unique<Site>(agentRoot("fra"));
    auto nyc = std::make_unique<Site>(agentRoot("nyc"));
    link(*fra, *nyc);
    ASSERT_TRUE(world.insert(a(), "before"));
    prepareSwitch(*fra, *nyc, 2);
    const auto fence = command("database.fence", fenceArguments("replica", 2), 2);
    Json token;
    if (!atFence) token = tokenIn(require(*fra, "database.fence", fence.args, 2));

    auto& victim = atFence ? fra : nyc;
    const std::string root = victim->directory.root;
    const auto killed = atFence ? fence : command("database.take-over", takeOverArguments(token), 2);
    victim.reset();
    executeAndDie(root, killed, "verb." + std::string(kill.verb) + "." + kill.moment);
    victim = std::make_unique<Site>(root);
    victim->executor->settleUnfinished();
    const auto settled = victim->executor->inquire(killed.id).state == link::LedgerState::done
                             ? link::Outcome{killed.id, link::OutcomeStatus::done, {}, {}, 0, 0, 0}
                             : victim->await(killed.id);
    const std::string said = std::string(link::nameOf(settled.status));
    std::printf("%s killed at %s: settled as %s\n", kill.verb, kill.moment, said.c_str());
    EXPECT_NE(std::string(kill.settled).find(said), std::string::npos)
        << said << ": " << (settled.error ? describe(*settled.error) : "");
    if (!atFence && settled.status == link::OutcomeStatus::failed) {
        EXPECT_FALSE(world.insert(b(), "early")) << "not done means that nothing was promoted";
    }

    if (atFence) token = tokenIn(require(*fra, "database.fence", fence.args, 2));
    require(*nyc, "database.take-over", takeOverArguments(token), 2);
    EXPECT_TRUE(world.insert(b(), "after"));
    EXPECT_EQ(world.tags(b()), (std::set<std::string>{"before", "after"}));
    finish(*fra, *nyc, token, 2);
}

// Where the verb had acted, the successor looks at a server that is still stopping or promoting, and users wait for its
// word: it looks for a few hundred milliseconds and then says "unknown", on which the controller repeats the verb. On a
// busy machine that is the right answer too; what was recorded, and what had not begun, is known whatever the load.
INSTANTIATE_TEST_SUITE_P(
    AtEveryPoint, KilledAgent,
    testing::Values(Kill{"database.fence", "started", "failed"}, Kill{"database.fence", "fenced", "done unknown"},
                    Kill{"database.fence", "acted", "done unknown"}, Kill{"database.fence", "recorded", "done"},
                    Kill{"database.take-over", "started", "failed"}, Kill{"database.take-over", "reached", "failed"},
                    Kill{"database.take-over", "allowed", "unknown"},
                    Kill{"database.take-over", "acted", "done unknown"},
                    Kill{"database.take-over", "recorded", "done"}),
    [](const auto& point) {
        std::string name = std::string(point.param.verb) + "_" + point.param.moment;
        for (char& letter : name)
            if (!std::isalnum(static_cast<unsigned char>(letter))) letter = '_';
        return name;
    });

}  // namespace
}  // namespace swb::test
