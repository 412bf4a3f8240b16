#include "driver/mariadb/mariadb_driver.h"

#include "driver/mariadb/fence.h"
#include "driver/mariadb/promotion.h"
#include "driver/mariadb/rejoin.h"
#include "driver/mariadb/seed.h"
#include "driver/mariadb/source.h"
#include "driver/mariadb/supervision.h"
#include "driver/mariadb/switch_preparation.h"
#include "driver/mariadb/write_probe.h"

namespace swb::driver {

using mariadb::Instance;

Result<Instance> MariadbDriver::open(const DatabaseSpec& spec, const Context& context) {
    return Instance::open(spec, context, sessions_);
}

Result<Json> MariadbDriver::offering(const Instance& instance, Result<Json> result, const Context& context) {
    if (result) copies_.offer(instance, context, sessions_);
    return result;
}

Json MariadbDriver::inspect(const DatabaseSpec& spec, const Peer* peer, const Context& context) {
    const auto instance = open(spec, context);
    if (!instance) return mariadb::factsOfNothing(spec, instance.error());
    constexpr int64_t inspectMs = 5000;  // telemetry must not pile up behind a server that hangs
    return mariadb::inspectInstance(*instance, peer, slowFacts_, withDeadline(context, within(context, inspectMs)));
}

Result<CertificateRequests> MariadbDriver::certificateRequests(const DatabaseSpec& spec, const Context& context) {
    return TRY(open(spec, context)).tls().requests(spec.address.host);
}

Result<Json> MariadbDriver::installCertificates(const DatabaseSpec& spec, const Certificates& certificates,
                                                const Context& context) {
    return mariadb::installCertificates(TRY(open(spec, context)), certificates, context);
}

Result<Json> MariadbDriver::prepareSource(const DatabaseSpec& spec, std::string_view application, const Peer& peer,
                                          std::string_view slot, const Context& context) {
    const Instance instance = TRY(open(spec, context));
    return offering(instance, mariadb::prepareSource(instance, application, peer, slot, context), context);
}

Result<Json> MariadbDriver::testSource(const DatabaseSpec& spec, const Peer& peer, const Context& context) {
    return mariadb::testSource(TRY(open(spec, context)), peer, context);
}

Result<Json> MariadbDriver::seed(const DatabaseSpec& spec, std::string_view application, const Peer& peer,
                                 std::string_view slot, const Context& context) {
    const auto instance = TRY(open(spec, context));
    auto seeded = mariadb::seed(instance, application, peer, slot, context);
    if (!seeded) (void)mariadb::discardHalfCopy(instance);
    return seeded;
}

Result<Json> MariadbDriver::releaseSource(const DatabaseSpec& spec, const std::vector<std::string>& slots,
                                          const Context& context) {
    const Instance instance = TRY(open(spec, context));
    return offering(instance, mariadb::releaseSource(instance, slots, context), context);
}

Result<Json> MariadbDriver::promoteStandalone(const DatabaseSpec& spec, bool allowLagging, const Context& context) {
    TRY_VOID(mariadb::promoteStandalone(TRY(open(spec, context)), allowLagging, context));
    return inspect(spec, nullptr, context);
}

Result<Json> MariadbDriver::prepareSwitchSource(const DatabaseSpec& spec, std::string_view, const Context& context) {
    TRY_VOID(mariadb::prepareSwitchSource(TRY(open(spec, context)), context));
    return inspect(spec, nullptr, context);
}

Result<Json> MariadbDriver::prepareSwitchReplica(const DatabaseSpec& spec, const Peer& peer, int64_t lagBytesMax,
                                                 const Context& context) {
    TRY_VOID(mariadb::prepareSwitchReplica(TRY(open(spec, context)), peer, lagBytesMax, context));
    return inspect(spec, nullptr, context);
}

Result<Json> MariadbDriver::endSwitch(const DatabaseSpec& spec, const Context& context) {
    TRY_VOID(mariadb::endSwitch(TRY(open(spec, context)), context));
    return JsonObject{};
}

Result<Token> MariadbDriver::fence(const DatabaseSpec& spec, int64_t epoch, const Context& context) {
    return mariadb::fence(TRY(open(spec, context)), epoch, context);
}

Result<Json> MariadbDriver::unfence(const DatabaseSpec& spec, const Context& context) {
    TRY_VOID(mariadb::unfence(TRY(open(spec, context)), context));
    return inspect(spec, nullptr, context);
}

Result<Json> MariadbDriver::awaitToken(const DatabaseSpec& spec, const Token& token, const Context& context) {
    const auto parsed = TRY(mariadb::parseToken(token, spec.engine));
    return mariadb::awaitToken(TRY(open(spec, context)), parsed, context);
}

Result<Json> MariadbDriver::promote(const DatabaseSpec& spec, const Token& token, const Context& context) {
    const auto parsed = TRY(mariadb::parseToken(token, spec.engine));
    return mariadb::promote(TRY(open(spec, context)), parsed, context);
}

Result<Json> MariadbDriver::rejoin(const DatabaseSpec& spec, std::string_view, const Peer& peer, std::string_view,
                                   const Token& token, const Context& context) {
    const auto parsed = TRY(mariadb::parseToken(token, spec.engine));
    return mariadb::rejoin(TRY(open(spec, context)), peer, parsed, context);
}

Result<Json> MariadbDriver::ensureRunning(const DatabaseSpec& spec, std::string_view guardRole,
                                          const Context& context) {
    const Instance instance = TRY(open(spec, context));
    return offering(instance, mariadb::ensureRunning(instance, guardRole, context), context);
}

Result<void> MariadbDriver::stop(const DatabaseSpec& spec, const Context& context) {
    return mariadb::stopServer(TRY(open(spec, context)), context);
}

Result<void> MariadbDriver::writeTest(const DatabaseSpec& spec, const Secret& password, const Context& context) {
    return mariadb::writeTest(spec, password, context);
}

}  // namespace swb::driver
