#include "driver/postgresql/tls.h"

namespace swb::driver::postgresql {

namespace {

constexpr const char* tlsSettings[] = {"ssl", "ssl_cert_file", "ssl_key_file", "ssl_ca_file"};

Settings wantedTls(const Instance& instance) {
    return {{"ssl", "on"},
            {"ssl_cert_file", instance.tls().file("server.pem")},
            {"ssl_key_file", instance.tls().file("server.key")},
            {"ssl_ca_file", instance.tls().file("authority.pem")}};
}

// What the server has now in these settings, when that is not ours.
Result<JsonObject> formerTls(const Instance& instance, const Context& context) {
    JsonObject former;
    if (!instance.postmaster()) {
        for (const char* name : tlsSettings)
            if (const auto value = instance.autoConfSetting(name)) former[name] = *value;
    } else {
        auto session = TRY(instance.session(context));
        const Rows rows =
            TRY(session->query("SELECT name, setting FROM pg_settings WHERE name IN ('ssl', 'ssl_cert_file', "
                               "'ssl_key_file', 'ssl_ca_file')",
                               context.deadline));
        for (const auto& row : rows) former[row.at(0).value_or("")] = row.at(1).value_or("");
    }
    if (textAt(former, "ssl", "off") != "on") return JsonObject{};
    if (textAt(former, "ssl_cert_file") == instance.tls().file("server.pem")) return JsonObject{};
    return former;
}

Result<void> awaitApplied(Connection& connection, const Settings& settings, const Context& context) {
    for (;;) {
        bool all = true;
        for (const auto& [name, value] : settings) {
            if (!value) continue;
            const Rows rows = TRY(connection.query(
                "SELECT s.context IN ('internal', 'postmaster') OR s.pending_restart OR s.setting = $2 OR "
                "current_setting(s.name) = $2 FROM pg_settings s WHERE s.name = $1",
                {name, *value}, context.deadline));
            all = all && !rows.empty() && rows[0].at(0) == "t";
        }
        if (all) return {};
        if (context.remainingMs() == 0)
            return fail(ErrorCode::VerificationFailed, "the server did not take up changed settings after a reload",
                        "See the server's log.");
        pause(5);
    }
}

// A handshake with the address that peers use. An answer that only concerns the login proves that TLS works.
Json probeTls(const Instance& instance, const Context& context) {
    constexpr int64_t probeMs = 3000;
    const Peer self{"", instance.spec().address.host, instance.spec().address.port};
    const auto connection = instance.replicationConnection(self, within(context, probeMs));
    if (connection) return true;
    const std::string& said = connection.error().message;
    for (const char* sign : {"SSL error", "does not support SSL", "certificate", "could not connect", "refused"})
        if (said.find(sign) != std::string::npos) return Json(said);
    return true;
}

}  // namespace

Result<void> changeSettings(const Instance& instance, const Settings& settings, const Context& context) {
    if (!instance.postmaster()) return instance.editAutoConf(settings);
    auto session = TRY(instance.session(context));
    for (const auto& [name, value] : settings)
        TRY(session->query(
            "ALTER SYSTEM " + (value ? "SET " + session->identifier(name) + " = " + session->literal(*value)
                                     : "RESET " + session->identifier(name)),
            context.deadline));
    TRY(session->query("SELECT pg_reload_conf()", context.deadline));
    constexpr int64_t reloadMs = 5000;
    return awaitApplied(*session, settings, withDeadline(context, within(context, reloadMs)));
}

Result<CertificateRequests> certificateRequests(const Instance& instance) {
    return instance.tls().requests(instance.spec().address.host);
}

Result<Json> installCertificates(const Instance& instance, const Certificates& certificates, const Context& context) {
    TRY_VOID(instance.tls().install(certificates));
    JsonObject result{{"tls", true}};
    // Certificates may come before the first seed makes the data directory; prepare-source turns TLS on then.
    if (!instance.hasData()) return result;
    const JsonObject former = TRY(formerTls(instance, context));
    if (!former.empty()) {
        TRY_VOID(instance.writeRecord("former-tls", former));
        result["replaced"] = former;
    }
    TRY_VOID(changeSettings(instance, wantedTls(instance), context));
    if (instance.postmaster()) result["handshake"] = probeTls(instance, context);
    return result;
}

Result<void> restoreFormerTls(const Instance& instance, const Context& context) {
    const Json former = instance.record("former-tls");
    if (!former.is_object()) return {};
    Settings settings;
    for (const char* name : tlsSettings)
        if (former.as_object().contains(name)) settings.emplace_back(name, textAt(former, name));
    TRY_VOID(changeSettings(instance, settings, context));
    return instance.removeRecord("former-tls");
}

}  // namespace swb::driver::postgresql
