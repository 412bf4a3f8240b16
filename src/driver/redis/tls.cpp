#include "driver/redis/tls.h"

#include "driver/redis/credentials.h"

namespace swb::driver::redis {

namespace {

Settings wantedTls(const Instance& instance) {
    const TlsDirectory files = instance.tls();
    // In this order a server that takes one at a time never has a certificate without its key in use.
    return {{"tls-cert-file", files.file("server.pem")},
            {"tls-key-file", files.file("server.key")},
            {"tls-client-cert-file", files.file("client.pem")},
            {"tls-client-key-file", files.file("client.key")},
            {"tls-ca-cert-file", files.file("authority.pem")},
            {"tls-auth-clients", "yes"},
            {"tls-port", std::to_string(instance.spec().replicationAddress().port)}};
}

Result<void> checkPort(const Instance& instance, Connection& connection, const Context& context) {
    const std::string wanted = std::to_string(instance.spec().replicationAddress().port);
    if (TRY(settingOf(connection, "port", context)) == wanted)
        return fail(ErrorCode::InvalidDefinition,
                    "port " + wanted + " of the server is its plain one, and replication needs one for TLS",
                    "Give the database `replication: HOST:PORT` with a port of its own; the agent opens it.");
    const std::string port = TRY(settingOf(connection, "tls-port", context));
    const std::string file = TRY(settingOf(connection, "tls-cert-file", context));
    const bool ours = file.empty() || file == instance.tls().file("server.pem");
    if ((port == "0" || port == wanted) && ours) return {};
    return fail(ErrorCode::Unsupported,
                "the server has TLS of its own already (port " + port + ", certificate " + file + ")",
                "A server has one TLS port and one certificate. Let its clients use the plain port, with tls-port 0, "
                "or a TLS proxy.");
}

// A handshake with the address that peers use. An answer that only concerns the login proves that TLS works.
Json probeTls(const Instance& instance, const Context& context) {
    constexpr int64_t probeMs = 3000;
    const MonotonicMs deadline = within(context, probeMs);
    const auto endpoint = instance.peerEndpoint(instance.spec().replicationAddress());
    if (!endpoint) return Json(describe(endpoint.error()));
    auto connection = Connection::open(*endpoint, deadline);
    if (!connection) return Json(describe(connection.error()));
    const auto answer = connection->callAll({{"PING"}}, deadline);
    if (!answer) return Json(describe(answer.error()));
    // Protected mode turns strangers away before anything else.
    if ((*answer)[0].errorName() == "DENIED") return Json((*answer)[0].text);
    return true;
}

}  // namespace

Result<CertificateRequests> certificateRequests(const Instance& instance) {
    CertificateRequests requests = TRY(instance.tls().requests(instance.spec().replicationAddress().host));
    requests.verifier = verifierOf(TRY(replicationPassword(instance)));
    return requests;
}

Result<Json> installCertificates(const Instance& instance, const Certificates& certificates, const Context& context) {
    TRY_VOID(instance.tls().install(certificates));
    JsonObject result{{"tls", true}};
    RoleFile role = instance.role();
    // A server that is down reads it at its start.
    if (!instance.process() && !instance.session(context)) {
        for (const auto& [name, value] : wantedTls(instance)) role.set(name, value);
        TRY_VOID(instance.writeRole(role));
        return result;
    }
    auto session = TRY(instance.awaitReady(context));
    TRY_VOID(checkPort(instance, *session, context));
    for (const auto& [name, value] : wantedTls(instance)) role.set(name, value);
    TRY_VOID(changeSettings(*session, wantedTls(instance), context));
    TRY_VOID(instance.writeRole(role));
    result["handshake"] = probeTls(instance, context);
    return result;
}

Result<void> openTlsPort(const Instance& instance, Connection& connection, RoleFile& role, const Context& context) {
    if (!instance.tls().complete())
        return fail(ErrorCode::NotReady, "the server has no certificates of the controller yet",
                    "Install certificates first (database.install-certificates).");
    const Settings wanted = wantedTls(instance);
    for (const auto& [name, value] : wanted) role.set(name, value);
    if (TRY(settingOf(connection, "tls-port", context)) == wanted.back().second) return {};
    TRY_VOID(checkPort(instance, connection, context));
    return changeSettings(connection, wanted, context);
}

Result<void> closeTlsPort(Connection& connection, RoleFile& role, const Context& context) {
    role.set("tls-port", "0");
    return changeSettings(connection, {{"tls-port", "0"}}, context);
}

}  // namespace swb::driver::redis
