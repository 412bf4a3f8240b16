#include "agent/status.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include "agent/applications.h"
#include "agent/boot_guard.h"
#include "agent/identity.h"
#include "base/file.h"
#include "crypto/certificate.h"

namespace swb::agent {
namespace {

bool isRunning(const AgentDirectory& directory) {
    const Fd file(::open(directory.lock().c_str(), O_RDONLY | O_CLOEXEC));
    return file.valid() && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0;
}

JsonArray applicationStatus(const AgentDirectory& directory) {
    JsonArray list;
    Applications applications(directory.applications());
    if (!fileExists(directory.applications()) || !applications.load()) return list;
    const BootGuards guards(directory.guards());
    for (const auto& application : applications.all()) {
        JsonObject databases;
        for (const auto& [name, spec] : application.databases)
            databases[name] = guards.facts(DatabaseKey{application.name, name});
        JsonArray processes;
        for (const auto& [name, process] : application.processes)
            processes.push_back(JsonObject{{"name", name}, {"shouldRun", application.shouldRun(process)}});
        list.push_back(JsonObject{{"name", application.name},
                                  {"failoverStatus", application.failoverStatus},
                                  {"guards", std::move(databases)},
                                  {"processes", std::move(processes)}});
    }
    return list;
}

}  // namespace

Result<Json> agentStatus(const AgentDirectory& directory) {
    const auto configuration = TRY(loadConfiguration(directory));
    const auto identity = TRY(loadIdentity(directory));
    const auto certificate = TRY(crypto::certificateInfo(identity.certificatePem));
    Json connection(nullptr);
    if (const auto text = readFile(directory.connection(), 64 << 10))
        if (const auto value = parseJson(*text)) connection = *value;
    const bool running = isRunning(directory);
    return Json(JsonObject{{"server", configuration.server},
                           {"controller", configuration.controller},
                           {"running", running},
                           {"connected", running && booleanAt(connection, "connected")},
                           {"since", isoTime(integerAt(connection, "since"))},
                           {"error", textAt(connection, "error")},
                           {"certificate", JsonObject{{"fingerprint", certificate.fingerprint},
                                                      {"notAfter", isoTime(certificate.notAfter)}}},
                           {"applications", applicationStatus(directory)}});
}

std::string statusText(const Json& status) {
    std::string text = fmt::format("server       {}\ncontroller   {}\nagent        {}\n", textAt(status, "server"),
                                   textAt(status, "controller"), booleanAt(status, "running") ? "running" : "stopped");
    if (booleanAt(status, "connected"))
        text += fmt::format("link         connected since {}\n", textAt(status, "since"));
    else
        text += fmt::format("link         not connected {}\n", textAt(status, "error"));
    text += fmt::format("certificate  valid until {}\n", textAt(*memberAt(status, "certificate"), "notAfter"));
    for (const Json& application : memberAt(status, "applications")->as_array()) {
        text += fmt::format("application  {} {}\n", textAt(application, "name"), textAt(application, "failoverStatus"));
        for (const auto& guard : memberAt(application, "guards")->as_object())
            text +=
                guard.value().is_null()
                    ? fmt::format("  database   {} without boot guard\n", std::string_view(guard.key()))
                    : fmt::format("  database   {} {}{} since epoch {} of {}\n", std::string_view(guard.key()),
                                  textAt(guard.value(), "role"), booleanAt(guard.value(), "fenced") ? " (fenced)" : "",
                                  integerAt(guard.value(), "epoch"), textAt(guard.value(), "group", "-"));
        for (const Json& process : memberAt(application, "processes")->as_array())
            text += fmt::format("  process    {} {}\n", textAt(process, "name"),
                                booleanAt(process, "shouldRun") ? "should run" : "should not run");
    }
    return text;
}

}  // namespace swb::agent
