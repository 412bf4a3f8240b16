// Web fronts, processes and maintenance of an application definition.
#include <algorithm>
#include <set>

#include "base/limits.h"
#include "model/definition_reading.h"
#include "model/names.h"

namespace swb {
namespace {

constexpr NameTable<Front, 2> fronts = {{{"nginx", Front::nginx}, {"haproxy", Front::haproxy}}};
constexpr NameTable<OnChange, 3> onChanges = {
    {{"restart", OnChange::restart}, {"reload", OnChange::reload}, {"none", OnChange::none}}};
constexpr NameTable<StopSignal, 7> stopSignals = {{{"TERM", StopSignal::term},
                                                   {"INT", StopSignal::interrupt},
                                                   {"QUIT", StopSignal::quit},
                                                   {"HUP", StopSignal::hangup},
                                                   {"USR1", StopSignal::user1},
                                                   {"USR2", StopSignal::user2},
                                                   {"WINCH", StopSignal::windowChange}}};
constexpr int64_t drainMsMax = 10'000;

bool isListen(std::string_view text) {
    if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos)
        return parseHostPort("0.0.0.0:" + std::string(text)).has_value();
    const auto address = parseHostPort(text);
    return address && isIpAddress(address->host);
}

bool isHttpUrl(std::string_view text) {
    return (text.starts_with("http://") || text.starts_with("https://")) && text.size() < 2048 &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::string_view nameOf(Front front) {
    return nameIn(fronts, front);
}

std::string_view nameOf(OnChange onChange) {
    return nameIn(onChanges, onChange);
}

std::string_view nameOf(StopSignal signal) {
    return nameIn(stopSignals, signal);
}

bool isBehind(const ProcessSpec& process, const WebSpec& web) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        const std::string origin = std::string(scheme) + web.upstream.text();
        if (!process.health.starts_with(origin)) continue;
        const std::string_view rest = std::string_view(process.health).substr(origin.size());
        if (rest.empty() || rest.front() == '/' || rest.front() == '?') return true;
    }
    return false;
}

Result<WebSpec> webFromJson(const Json& value, std::string path) {
    JsonReader reader(value, std::move(path));
    WebSpec spec;
    spec.server = reader.string("server");
    spec.front = readEnum(reader, "front", fronts, Front::nginx);
    spec.address = reader.string("address");
    spec.listen = reader.strings("listen");
    if (auto upstream = parseHostPort(reader.string("upstream")))
        spec.upstream = *upstream;
    else
        reader.problem("upstream", "must be HOST:PORT");
    if (const Json* service = reader.child("service"))
        spec.service = TRY(serviceFromJson(*service, reader.pathOf("service")));
    spec.serverName = reader.string("server_name", "");
    spec.certificate = reader.string("certificate", "");
    spec.key = reader.string("key", "");
    requireName(reader, "server", spec.server);
    if (!isIpAddress(spec.address)) reader.problem("address", "must be an IP address");
    if (spec.listen.empty() || spec.listen.size() > 8) reader.problem("listen", "needs 1 to 8 ports");
    for (const std::string& listen : spec.listen)
        if (!isListen(listen))
            reader.problem("listen", "has '" + listen.substr(0, 60) + "', not a port or address:port");
    requireWord(reader, "server_name", spec.serverName);
    requirePath(reader, "certificate", spec.certificate);
    requirePath(reader, "key", spec.key);
    if (spec.certificate.empty() != spec.key.empty()) reader.problem("certificate", "and key go together");
    TRY_VOID(reader.finish());
    return spec;
}

Json toJson(const WebSpec& spec) {
    JsonObject out{{"server", spec.server},
                   {"front", nameOf(spec.front)},
                   {"address", spec.address},
                   {"listen", JsonArray(spec.listen.begin(), spec.listen.end())},
                   {"upstream", spec.upstream.text()},
                   {"service", serviceToJson(spec.service)}};
    if (!spec.serverName.empty()) out["server_name"] = spec.serverName;
    if (!spec.certificate.empty()) out["certificate"] = spec.certificate;
    if (!spec.key.empty()) out["key"] = spec.key;
    return out;
}

Result<ProcessSpec> processFromJson(const Json& value, std::string_view name, std::string path) {
    JsonReader reader(value, std::move(path));
    ProcessSpec spec;
    spec.name = reader.string("name", name);
    spec.server = reader.string("server");
    spec.command = reader.strings("command");
    spec.directory = reader.string("directory", "");
    spec.health = reader.string("health", "");
    spec.writes = reader.boolean("writes", false);
    spec.onChange = readEnum(reader, "on_change", onChanges, OnChange::restart);
    spec.stopSignal = readEnum(reader, "stop_signal", stopSignals, StopSignal::term);
    spec.stopMs = reader.integer("stop_ms", 5000);
    spec.runAs = reader.string("run_as", "");
    spec.environment = readEnvironment(reader, "environment");
    requireName(reader, "name", spec.name);
    requireName(reader, "server", spec.server);
    if (spec.command.empty() || spec.command.size() > 256) reader.problem("command", "needs 1 to 256 words");
    for (const std::string& word : spec.command)
        if (word.size() > 4096 || word.find('\0') != std::string::npos)
            reader.problem("command", "has a word too long");
    if (!spec.command.empty() && spec.command.front().empty()) reader.problem("command", "begins with an empty word");
    requirePath(reader, "directory", spec.directory);
    requireWord(reader, "run_as", spec.runAs);
    if (!spec.health.empty() && !isHttpUrl(spec.health)) reader.problem("health", "must be an http:// or https:// URL");
    if (spec.stopMs < 0 || spec.stopMs > 600'000) reader.problem("stop_ms", "must be 0 to 600000");
    TRY_VOID(reader.finish());
    return spec;
}

Json toJson(const ProcessSpec& spec) {
    JsonObject out{{"name", spec.name},
                   {"server", spec.server},
                   {"command", JsonArray(spec.command.begin(), spec.command.end())},
                   {"writes", spec.writes},
                   {"on_change", nameOf(spec.onChange)},
                   {"stop_ms", spec.stopMs}};
    if (spec.stopSignal != StopSignal::term) out["stop_signal"] = nameOf(spec.stopSignal);
    if (!spec.directory.empty()) out["directory"] = spec.directory;
    if (!spec.health.empty()) out["health"] = spec.health;
    if (!spec.runAs.empty()) out["run_as"] = spec.runAs;
    if (!spec.environment.empty()) out["environment"] = environmentToJson(spec.environment);
    return out;
}

Result<MaintenanceSpec> maintenanceFromJson(const Json& value, std::string path) {
    JsonReader reader(value, std::move(path));
    MaintenanceSpec spec;
    spec.page = reader.string("page", "");
    spec.retryAfterSeconds = reader.integer("retry_after", 30);
    spec.bypassAddresses = reader.strings("bypass_addresses");
    spec.bypassCookie = reader.string("bypass_cookie", "");
    spec.drainMs = reader.integer("drain_ms", drainMsDefault);
    if (spec.drainMs < 0 || spec.drainMs > drainMsMax) reader.problem("drain_ms", "must be 0 to 10000");
    if (spec.page.size() > limits::maintenancePageBytes) reader.problem("page", "is larger than 256 KiB");
    if (spec.retryAfterSeconds < 1 || spec.retryAfterSeconds > 86400)
        reader.problem("retry_after", "must be 1 to 86400 seconds");
    for (const std::string& address : spec.bypassAddresses) {
        const size_t slash = address.find('/');
        const std::string suffix = slash == std::string::npos ? "0" : address.substr(slash + 1);
        if (!isIpAddress(address.substr(0, slash)) || suffix.empty() || suffix.size() > 3 ||
            suffix.find_first_not_of("0123456789") != std::string::npos)
            reader.problem("bypass_addresses", "has '" + address.substr(0, 60) + "', not an IP address or network");
    }
    if (!spec.bypassCookie.empty() &&
        (spec.bypassCookie.size() < 16 || spec.bypassCookie.size() > 128 ||
         !std::all_of(spec.bypassCookie.begin(), spec.bypassCookie.end(),
                      [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; })))
        reader.problem("bypass_cookie", "must be 16 to 128 characters of A-Z, a-z, 0-9, '-' and '_'");
    TRY_VOID(reader.finish());
    return spec;
}

Json toJson(const MaintenanceSpec& spec) {
    JsonObject out{{"page", spec.page},
                   {"retry_after", spec.retryAfterSeconds},
                   {"bypass_addresses", JsonArray(spec.bypassAddresses.begin(), spec.bypassAddresses.end())},
                   {"bypass_cookie", spec.bypassCookie}};
    if (spec.drainMs != drainMsDefault) out["drain_ms"] = spec.drainMs;
    return out;
}

}  // namespace swb
