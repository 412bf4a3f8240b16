#include "lab/status.h"

#include <fmt/format.h>

#include "base/file.h"
#include "dns/resolve.h"
#include "lab/client.h"
#include "lab/lab_engine.h"
#include "lab/lab_processes.h"
#include "lab/state.h"
#include "lab/supervisor.h"

namespace swb::lab {
namespace {

Json orNull(int64_t value) {
    return value > 0 ? Json(value) : Json(nullptr);
}

// The first line of a pid file, as long as such a process lives.
Json pidIn(const std::string& file) {
    const auto text = readFile(file, 4096);
    const int64_t pid = text ? std::atoll(text->c_str()) : 0;
    return pid > 0 && driver::processIdentity(static_cast<pid_t>(pid)) ? Json(pid) : Json(nullptr);
}

JsonObject databaseStatus(const World& world, const Site& site, const LabEngine& engine) {
    const auto role = engine.role(world, site);
    JsonObject out{{"database", engine.database()},
                   {"role", role ? Json(*role) : Json(nullptr)},
                   {"address", site.address},
                   {"port", site.databases.at(engine.engine()).port},
                   {"pid", pidIn(engine.pidFile(world, site))}};
    for (const auto& member : engine.access(world, site)) out[member.key()] = member.value();
    return out;
}

JsonArray replicaStatus(const World& world, const Site& site) {
    JsonArray out;
    if (!world.replicas) return out;
    for (const LabEngine* engine : enginesOf(world)) {
        JsonObject one = databaseStatus(world, replicasOf(site), *engine);
        one["engine"] = engine->name();
        one["name"] = replicaName;
        out.push_back(one);
    }
    return out;
}

Json processesOf(const Json& application) {
    const Json* processes = memberAt(application, "processes");
    return processes ? *processes : Json(nullptr);
}

Json siteStatus(const World& world, const Site& site, const std::map<std::string, pid_t>& programs) {
    const auto agent = programs.find("agent-" + site.server);
    const auto application = swing(world, {"app", "show", site.application}, {}, 5000);
    JsonObject out{{"name", site.name},
                   {"title", site.title},
                   {"server", JsonObject{{"name", site.server},
                                         {"address", site.address},
                                         {"agentPid", agent == programs.end() ? Json(nullptr) : Json(agent->second)},
                                         {"directory", world.siteDirectory(site)},
                                         {"agentDirectory", world.agentDirectory(site)}}},
                   {"application", site.application},
                   {"definition", world.definitionFile(site)},
                   {"web", JsonObject{{"url", site.url()},
                                      {"address", site.address},
                                      {"port", site.webPort},
                                      {"pid", pidIn(world.siteDirectory(site) + "/nginx/nginx.pid")},
                                      {"config", world.nginxConfiguration(site)},
                                      {"upstream", site.address + ":" + std::to_string(site.processPort)}}},
                   {"processes", application ? processesOf(*application) : Json(nullptr)}};
    for (const LabEngine* engine : enginesOf(world)) out[engine->name()] = databaseStatus(world, site, *engine);
    out["replicas"] = replicaStatus(world, site);
    return out;
}

Json groupStatus(const World& world) {
    JsonObject out{{"name", groupName},  {"address", world.failoverName()},
                   {"current", nullptr}, {"epoch", nullptr},
                   {"answer", nullptr},  {"ttl", nullptr}};
    if (const auto group = swing(world, {"group", "show", groupName}, {}, 5000)) {
        out["current"] = textAt(*group, "current");
        out["epoch"] = integerAt(*group, "epoch");
    }
    if (const auto resolved = dns::resolveA(world.dnsServer(), world.failoverName(), 1000)) {
        out["answer"] = resolved->addresses.front();
        out["ttl"] = resolved->ttlSeconds;
    }
    return out;
}

std::string text(const Json& value, std::string_view key) {
    const Json* member = memberAt(value, key);
    if (!member || member->is_null()) return "-";
    return member->is_string() ? std::string(member->as_string()) : toText(*member);
}

std::string row(std::string_view name, const std::string& value) {
    return fmt::format("  {:<12} {}\n", name, value);
}

std::string siteText(const Json& site) {
    const Json &server = *memberAt(site, "server"), &web = *memberAt(site, "web");
    std::string out = fmt::format("\n{} ({}), server {}, {}\n", textAt(site, "title"), textAt(site, "name"),
                                  textAt(server, "name"), textAt(server, "address"));
    out += row("web", fmt::format("{}   pid {}", text(web, "url"), text(web, "pid")));
    out += row("application", fmt::format("{}   {}", textAt(site, "application"), textAt(site, "definition")));
    for (const LabEngine* engine : allEngines()) {
        const Json* database = memberAt(site, engine->name());
        if (!database) continue;
        out += row(engine->name(),
                   fmt::format("{} of {}, port {}   pid {}", text(*database, "role"), text(*database, "database"),
                               text(*database, "port"), text(*database, "pid")));
        out += row("  as admin", textAt(*database, "adminCommand"));
        out += row("  data", textAt(*database, "data"));
    }
    if (const Json* replicas = memberAt(site, "replicas"); replicas && replicas->is_array())
        for (const Json& replica : replicas->get_array())
            out += row(textAt(replica, "name"),
                       fmt::format("{} of {} ({}), {} port {}   pid {}", text(replica, "role"),
                                   text(replica, "database"), textAt(replica, "engine"), text(replica, "address"),
                                   text(replica, "port"), text(replica, "pid")));
    out += row("agent", fmt::format("pid {}   {}", text(server, "agentPid"), textAt(server, "agentDirectory")));
    return out;
}

}  // namespace

Json statusOf(const World& world) {
    const auto supervisor = findSupervisor(world.directory);
    const auto programs = supervisor ? supervisor->programs : std::map<std::string, pid_t>();
    const auto controller = programs.find("swingd");
    JsonArray sites, servers;
    for (const Site& site : world.sites) {
        sites.push_back(siteStatus(world, site, programs));
        servers.push_back(JsonObject{{"name", site.server}, {"site", site.name}, {"address", site.address}});
    }
    JsonObject restarts;
    if (supervisor)
        for (const auto& [name, count] : supervisor->restarts) restarts[name] = count;
    JsonArray engines;
    for (const LabEngine* engine : enginesOf(world)) engines.emplace_back(engine->name());
    const std::string token = readFile(world.tokenFile(), 4096).value_or("");
    return JsonObject{
        {"state", world.state == "up" && !supervisor ? "crashed" : world.state},
        {"directory", world.directory},
        {"user", world.user},
        {"engines", std::move(engines)},
        {"url", world.url()},
        {"token", token.substr(0, token.find('\n'))},
        {"tokenFile", world.tokenFile()},
        {"caFile", world.authorityFile()},
        {"environmentFile", world.environmentFile()},
        {"dns", JsonObject{{"server", world.dnsServer()},
                           {"address", world.controllerAddress()},
                           {"port", world.dnsPort},
                           {"zone", zoneName}}},
        {"supervisor", JsonObject{{"pid", supervisor ? Json(supervisor->identity.pid) : Json(nullptr)},
                                  {"restarts", std::move(restarts)},
                                  {"log", world.logDirectory()}}},
        {"controller", JsonObject{{"pid", controller == programs.end() ? Json(nullptr) : orNull(controller->second)},
                                  {"address", world.controllerAddress()},
                                  {"port", world.apiPort},
                                  {"directory", world.controllerDirectory()}}},
        {"group", groupStatus(world)},
        {"servers", std::move(servers)},
        {"sites", std::move(sites)}};
}

std::string statusText(const Json& status) {
    const Json &dns = *memberAt(status, "dns"), &controller = *memberAt(status, "controller"),
               &group = *memberAt(status, "group");
    std::string out = fmt::format("The lab in {} is {}, as user {}.\n\n", textAt(status, "directory"),
                                  textAt(status, "state"), textAt(status, "user"));
    out += "Controller\n";
    out += row("API, page", fmt::format("{}   pid {}", textAt(status, "url"), text(controller, "pid")));
    out += row("DNS", fmt::format("{}   UDP and TCP, zone {}", textAt(dns, "server"), textAt(dns, "zone")));
    out += row("token", textAt(status, "tokenFile"));
    out += row("CA", textAt(status, "caFile"));
    out += row("logs", textAt(*memberAt(status, "supervisor"), "log") + "   supervisor pid " +
                           text(*memberAt(status, "supervisor"), "pid"));
    for (const Json& site : memberAt(status, "sites")->as_array()) out += siteText(site);
    out += fmt::format("\nFailover group {}\n", textAt(group, "name"));
    out += row("address", fmt::format("{}   answers {}, TTL {} s", textAt(group, "address"), text(group, "answer"),
                                      text(group, "ttl")));
    out += row("current", fmt::format("{}   epoch {}", text(group, "current"), text(group, "epoch")));
    out += "\nTry\n";
    out += fmt::format("  . {}\n", textAt(status, "environmentFile"));
    out += fmt::format("  dig @{} -p {} {} A\n", textAt(dns, "address"), text(dns, "port"), textAt(group, "address"));
    out += fmt::format("  curl {}/orders/count\n",
                       textAt(*memberAt(memberAt(status, "sites")->as_array().front(), "web"), "url"));
    out +=
        "  swing group check shop\n  swing group switch shop\n  swing lab load --seconds 20     (in another "
        "terminal)\n";
    out += "  swing lab down\n";
    return out;
}

}  // namespace swb::lab
