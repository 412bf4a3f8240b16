#include "lab/build_world.h"

#include <thread>

#include "base/file.h"
#include "lab/client.h"
#include "lab/http.h"
#include "lab/lab_engine.h"
#include "lab/state.h"
#include "lab/supervisor.h"

namespace swb::lab {
namespace {

using namespace std::chrono_literals;

Result<void> awaitTrue(const std::string& what, int64_t timeoutMs, const std::function<Result<bool>()>& condition) {
    const SystemClock clock;
    const MonotonicMs deadline = clock.monotonic() + timeoutMs;
    for (;;) {
        auto holds = condition();
        if (holds && *holds) return {};
        if (clock.monotonic() >= deadline)
            return fail(ErrorCode::DeadlineExceeded, what + " within " + std::to_string(timeoutMs / 1000) + " s" +
                                                         (holds ? "" : ": " + holds.error().message));
        std::this_thread::sleep_for(20ms);
    }
}

Result<void> startController(World& world) {
    const std::string address = world.controllerAddress();
    const Json made = TRY(runProgramForJson(
        {world.programs + "/swingd", "init", "--data", world.controllerDirectory(), "--zone", zoneName, "--listen",
         address + ":" + std::to_string(world.apiPort), "--dns-listen", world.dnsServer(), "--name", address,
         "--public-url", world.url(), "--name-server", std::string("ns1.") + zoneName + "=" + address, "--json"}));
    world.caPin = textAt(made, "authorityFingerprint");
    TRY_VOID(storeWorld(world));
    TRY_VOID(writeFileAtomically(world.environmentFile(), environmentText(world)));
    return awaitTrue("the controller does not answer", 20'000, [&]() -> Result<bool> {
        if (!fileExists(world.directory + "/swingd.ready")) return false;
        return swing(world, {"status"}, {}, 5000).map([](const Json&) { return true; });
    });
}

Result<void> joinServer(const World& world, const Site& site) {
    TRY(swing(world, {"site", "add", site.name, "--title", site.title}));
    const Json token = TRY(swing(world, {"server", "token", site.server, "--site", site.name}));
    TRY_VOID(hold(world, "agent-" + site.server));
    TRY(runProgramForJson({world.programs + "/swing-agent", "join", "--controller", world.url(), "--token", "-",
                           "--ca-pin", world.caPin, "--data", world.agentDirectory(site), "--json"},
                          textAt(token, "token") + "\n"));
    TRY_VOID(release(world, "agent-" + site.server));
    return awaitTrue("the agent of " + site.server + " does not connect", 20'000, [&]() -> Result<bool> {
        const Json answer = TRY(swing(world, {"server", "list"}));
        const Json* servers = memberAt(answer, "servers");
        if (!servers || !servers->is_array()) return false;
        for (const Json& server : servers->as_array())
            if (textAt(server, "name") == site.server) return booleanAt(server, "connected");
        return false;
    });
}

Result<void> makeServer(const World& world, const Site& site, const LabEngine& engine) {
    TRY_VOID(makeDirectories(world.socketsOf(site)));
    const auto made = engine.makeServer(world, site);
    if (made) return {};
    return fail(made.error().within("the " + std::string(engine.title()) + " server of " + site.name));
}

// Every database of both sites at once: none needs another.
Result<void> makeServers(const World& world) {
    std::vector<std::function<Result<void>()>> works;
    for (const Site& site : world.sites)
        for (const LabEngine* engine : enginesOf(world)) {
            works.emplace_back([&world, &site, engine] { return makeServer(world, site, *engine); });
            if (world.replicas)
                works.emplace_back([&world, &site, engine] { return makeServer(world, replicasOf(site), *engine); });
        }
    return inParallel(works);
}

Result<bool> shopCanWrite(const Site& site) {
    const std::string process = site.address + ":" + std::to_string(site.processPort);
    HttpConnection connection;
    const auto reply = connection.request(process, requestText("GET", "/healthz", process), 2000);
    const auto health = reply ? parseJson(reply->body) : Result<Json>(fail(ErrorCode::Unreachable, "no answer"));
    if (!health) return fail(health.error());
    if (textAt(*health, "database") == "writable") return true;
    return fail(ErrorCode::NotReady, reply->body);
}

Result<void> defineApplication(const World& world, const Site& site) {
    TRY_VOID(writeFileAtomically(world.definitionFile(site), definitionText(world, site), 0644));
    TRY(swing(world, {"app", "apply", world.definitionFile(site), "--wait"}));
    for (const LabEngine* engine : enginesOf(world))
        TRY(swing(world, {"app", "secret", "set", site.application, engine->passwordVariable(), "--wait"},
                  world.password.reveal() + "\n"));
    // Its tables are made too: copying a database while its tables change is not what `up` is to find out.
    return awaitTrue("the shop of " + site.name + " does not reach its databases", 20'000,
                     [&]() -> Result<bool> { return shopCanWrite(site); });
}

Result<void> replicate(const World& world, const std::string& from, const std::string& to) {
    std::vector<std::string> command{"replication", "enable", "--from", from, "--to", to, "--consent"};
    for (const LabEngine* engine : enginesOf(world))
        command.push_back("replace:" + to + "/" + std::string(engine->database()));
    command.insert(command.end(), {"--reason", "swing lab up", "--wait"});
    TRY(swing(world, command, {}, 120'000));
    return {};
}

Result<void> replicateInside(const World& world, const Site& site) {
    return replicate(world, site.application, site.application + "." + replicaName);
}

Result<void> createGroup(const World& world) {
    TRY(swing(world, {"group", "create", groupName, "--primary", world.sites[0].application, "--secondary",
                      world.sites[1].application, "--label", groupName, "--ttl", std::to_string(addressTtlSeconds)}));
    return {};
}

std::string refusalsOf(const Json& ready) {
    std::string out;
    if (const Json* checks = memberAt(ready, "checks"); checks && checks->is_array())
        for (const Json& check : checks->as_array())
            if (textAt(check, "verdict") == "refused")
                out += "; " + textAt(check, "subject") + ": " + textAt(check, "sentence");
    return out;
}

// Right after the link was made some checks still wait for the replica's first reports.
Result<void> awaitReady(const World& world) {
    std::string refusals;
    const auto ready = awaitTrue("the group is not ready", 20'000, [&]() -> Result<bool> {
        // `swing group check` ends with 3 when a check refuses; its document says which.
        const Json answer = TRY(swing(world, {"group", "check", groupName}, {}, 20'000, Refusal::isAnAnswer));
        const Json* inner = memberAt(answer, "ready");
        const Json& readiness = inner && inner->is_object() ? *inner : answer;
        refusals = refusalsOf(readiness);
        return textAt(readiness, "verdict") != "refused" && !textAt(readiness, "verdict").empty();
    });
    if (ready) return {};
    return fail(Error(ready.error().code, ready.error().message + refusals, ready.error().hint));
}

std::string enginesText(const World& world) {
    std::string text;
    for (const LabEngine* engine : enginesOf(world)) text += (text.empty() ? "" : ", ") + std::string(engine->title());
    return text;
}

}  // namespace

Result<void> buildWorld(World& world, Progress& progress) {
    const Site &fra = world.sites[0], &nyc = world.sites[1];
    const auto both = [&](Result<void> (*work)(const World&, const Site&)) {
        return inParallel({[&, work] { return work(world, fra); }, [&, work] { return work(world, nyc); }});
    };
    TRY_VOID(progress.step("supervisor started", [&] { return startSupervisor(world); }));
    // Neither needs the other.
    TRY_VOID(progress.step("controller at " + world.url() + ", servers of " + enginesText(world) + " made", [&] {
        return inParallel({[&] { return startController(world); }, [&] { return makeServers(world); }});
    }));
    TRY_VOID(progress.step("sites fra and nyc, agents of fra-1 and nyc-1 joined", [&] { return both(joinServer); }));
    TRY_VOID(progress.step("applications shop-fra and shop-nyc defined and running",
                           [&] { return both(defineApplication); }));
    TRY_VOID(progress.step("replication from shop-fra to shop-nyc",
                           [&] { return replicate(world, fra.application, nyc.application); }));
    if (world.replicas)
        TRY_VOID(progress.step("replicas inside shop-fra and shop-nyc", [&] { return both(replicateInside); }));
    TRY_VOID(progress.step("failover group shop at " + world.failoverName(), [&] { return createGroup(world); }));
    TRY_VOID(progress.step("group ready to switch", [&] { return awaitReady(world); }));
    world.state = "up";
    return storeWorld(world);
}

}  // namespace swb::lab
