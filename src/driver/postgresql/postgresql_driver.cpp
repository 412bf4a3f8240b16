#include "driver/postgresql/postgresql_driver.h"

#include "driver/postgresql/divergence.h"
#include "driver/postgresql/fence.h"
#include "driver/postgresql/promotion.h"
#include "driver/postgresql/rejoin.h"
#include "driver/postgresql/seed.h"
#include "driver/postgresql/source.h"
#include "driver/postgresql/supervision.h"
#include "driver/postgresql/tls.h"
#include "driver/postgresql/write_probe.h"

namespace swb::driver {

using postgresql::Instance;

Result<Instance> PostgresqlDriver::open(const DatabaseSpec& spec, const Context& context) {
    return Instance::open(spec, context, pool_);
}

Json PostgresqlDriver::inspect(const DatabaseSpec& spec, const Peer* peer, const Context& context) {
    const auto instance = open(spec, context);
    if (!instance) return postgresql::factsOfNothing(spec, instance.error());
    constexpr int64_t inspectMs = 5000;  // telemetry must not pile up behind a server that hangs
    return postgresql::inspectInstance(*instance, peer, slowFacts_, withDeadline(context, within(context, inspectMs)));
}

Result<CertificateRequests> PostgresqlDriver::certificateRequests(const DatabaseSpec& spec, const Context& context) {
    return postgresql::certificateRequests(TRY(open(spec, context)));
}

Result<Json> PostgresqlDriver::installCertificates(const DatabaseSpec& spec, const Certificates& certificates,
                                                   const Context& context) {
    return postgresql::installCertificates(TRY(open(spec, context)), certificates, context);
}

Result<Json> PostgresqlDriver::prepareSource(const DatabaseSpec& spec, std::string_view, const Peer& peer,
                                             std::string_view slot, const Context& context) {
    return postgresql::prepareSource(TRY(open(spec, context)), peer, slot, context);
}

Result<Json> PostgresqlDriver::testSource(const DatabaseSpec& spec, const Peer& peer, const Context& context) {
    return postgresql::testSource(TRY(open(spec, context)), peer, context);
}

Result<Json> PostgresqlDriver::saveOnlyHere(const DatabaseSpec& spec, const Peer& peer, const Context& context) {
    return postgresql::saveOnlyHere(TRY(open(spec, context)), peer, context);
}

Result<Json> PostgresqlDriver::seed(const DatabaseSpec& spec, std::string_view, const Peer& peer, std::string_view slot,
                                    const Context& context) {
    const auto instance = TRY(open(spec, context));
    auto seeded = postgresql::seed(instance, peer, slot, context);
    if (!seeded) (void)postgresql::discardHalfCopy(instance);
    return seeded;
}

Result<Json> PostgresqlDriver::releaseSource(const DatabaseSpec& spec, const std::vector<std::string>& slots,
                                             const Context& context) {
    return postgresql::releaseSource(TRY(open(spec, context)), slots, context);
}

Result<Json> PostgresqlDriver::promoteStandalone(const DatabaseSpec& spec, bool allowLagging, const Context& context) {
    TRY_VOID(postgresql::promoteStandalone(TRY(open(spec, context)), allowLagging, context));
    return inspect(spec, nullptr, context);
}

Result<Json> PostgresqlDriver::prepareSwitchSource(const DatabaseSpec& spec, std::string_view peerSlot,
                                                   const Context& context) {
    TRY_VOID(postgresql::prepareSwitchSource(TRY(open(spec, context)), peerSlot, context));
    return inspect(spec, nullptr, context);
}

Result<Json> PostgresqlDriver::prepareSwitchReplica(const DatabaseSpec& spec, const Peer& peer, int64_t lagBytesMax,
                                                    const Context& context) {
    TRY_VOID(postgresql::prepareSwitchReplica(TRY(open(spec, context)), peer, lagBytesMax, context));
    return inspect(spec, nullptr, context);
}

Result<Json> PostgresqlDriver::endSwitch(const DatabaseSpec& spec, const Context& context) {
    TRY_VOID(postgresql::endSwitch(TRY(open(spec, context)), context));
    return JsonObject{};
}

Result<Token> PostgresqlDriver::fence(const DatabaseSpec& spec, int64_t epoch, const Context& context) {
    return postgresql::fence(TRY(open(spec, context)), epoch, context);
}

Result<Json> PostgresqlDriver::unfence(const DatabaseSpec& spec, const Context& context) {
    TRY_VOID(postgresql::unfence(TRY(open(spec, context)), context));
    return inspect(spec, nullptr, context);
}

Result<Json> PostgresqlDriver::awaitToken(const DatabaseSpec& spec, const Token& token, const Context& context) {
    const auto parsed = TRY(postgresql::parseToken(token));
    return postgresql::awaitToken(TRY(open(spec, context)), parsed, context);
}

Result<Json> PostgresqlDriver::promote(const DatabaseSpec& spec, const Token& token, const Context& context) {
    const auto parsed = TRY(postgresql::parseToken(token));
    return postgresql::promote(TRY(open(spec, context)), parsed, context);
}

Result<Json> PostgresqlDriver::rejoin(const DatabaseSpec& spec, std::string_view, const Peer& peer,
                                      std::string_view slot, const Token& token, const Context& context) {
    const auto parsed = TRY(postgresql::parseToken(token));
    return postgresql::rejoin(TRY(open(spec, context)), peer, slot, parsed, context);
}

Result<Json> PostgresqlDriver::ensureRunning(const DatabaseSpec& spec, std::string_view guardRole,
                                             const Context& context) {
    const Instance instance = TRY(open(spec, context));
    Json standing = TRY(postgresql::ensureRunning(instance, guardRole, context));
    if (textAt(standing, "role") != "stopped") TRY_VOID(synchronous_.keep(instance, context));
    return standing;
}

Result<void> PostgresqlDriver::stop(const DatabaseSpec& spec, const Context& context) {
    return postgresql::stopServer(TRY(open(spec, context)), context);
}

Result<void> PostgresqlDriver::writeTest(const DatabaseSpec& spec, const Secret& password, const Context& context) {
    return postgresql::writeTest(spec, password, context);
}

}  // namespace swb::driver
