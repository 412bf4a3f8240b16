#include "driver/redis/redis_driver.h"

#include "driver/redis/fence.h"
#include "driver/redis/promotion.h"
#include "driver/redis/rejoin.h"
#include "driver/redis/seed.h"
#include "driver/redis/source.h"
#include "driver/redis/supervision.h"
#include "driver/redis/tls.h"
#include "driver/redis/token.h"
#include "driver/redis/write_probe.h"

namespace swb::driver {

using redis::Instance;

Result<Instance> RedisDriver::open(const DatabaseSpec& spec, const Context& context) {
    return Instance::open(spec, context, pool_);
}

Json RedisDriver::inspect(const DatabaseSpec& spec, const Peer* peer, const Context& context) {
    const auto instance = open(spec, context);
    if (!instance) return redis::factsOfNothing(spec, instance.error());
    constexpr int64_t inspectMs = 5000;  // telemetry must not pile up behind a server that hangs
    return redis::inspectInstance(*instance, peer, rates_, withDeadline(context, within(context, inspectMs)));
}

Result<CertificateRequests> RedisDriver::certificateRequests(const DatabaseSpec& spec, const Context& context) {
    return redis::certificateRequests(TRY(open(spec, context)));
}

Result<Json> RedisDriver::installCertificates(const DatabaseSpec& spec, const Certificates& certificates,
                                              const Context& context) {
    return redis::installCertificates(TRY(open(spec, context)), certificates, context);
}

Result<Json> RedisDriver::prepareSource(const DatabaseSpec& spec, std::string_view, const Peer& peer,
                                        std::string_view slot, const Context& context) {
    return redis::prepareSource(TRY(open(spec, context)), peer, slot, context);
}

Result<Json> RedisDriver::testSource(const DatabaseSpec& spec, const Peer& peer, const Context& context) {
    return redis::testSource(TRY(open(spec, context)), peer, context);
}

Result<Json> RedisDriver::seed(const DatabaseSpec& spec, std::string_view, const Peer& peer, std::string_view slot,
                               const Context& context) {
    return redis::seed(TRY(open(spec, context)), peer, slot, context);
}

Result<Json> RedisDriver::releaseSource(const DatabaseSpec& spec, const std::vector<std::string>& slots,
                                        const Context& context) {
    return redis::releaseSource(TRY(open(spec, context)), slots, context);
}

Result<Json> RedisDriver::promoteStandalone(const DatabaseSpec& spec, bool allowLagging, const Context& context) {
    TRY_VOID(redis::promoteStandalone(TRY(open(spec, context)), allowLagging, context));
    return inspect(spec, nullptr, context);
}

Result<Json> RedisDriver::prepareSwitchSource(const DatabaseSpec& spec, std::string_view peerSlot,
                                              const Context& context) {
    TRY_VOID(redis::prepareSwitchSource(TRY(open(spec, context)), peerSlot, context));
    return inspect(spec, nullptr, context);
}

Result<Json> RedisDriver::prepareSwitchReplica(const DatabaseSpec& spec, const Peer& peer, int64_t lagBytesMax,
                                               const Context& context) {
    TRY_VOID(redis::prepareSwitchReplica(TRY(open(spec, context)), peer, lagBytesMax, context));
    return inspect(spec, nullptr, context);
}

Result<Json> RedisDriver::endSwitch(const DatabaseSpec& spec, const Context& context) {
    TRY_VOID(redis::endSwitch(TRY(open(spec, context)), context));
    return JsonObject{};
}

Result<Token> RedisDriver::fence(const DatabaseSpec& spec, int64_t epoch, const Context& context) {
    return redis::fence(TRY(open(spec, context)), epoch, context);
}

Result<Json> RedisDriver::unfence(const DatabaseSpec& spec, const Context& context) {
    TRY_VOID(redis::unfence(TRY(open(spec, context)), context));
    return inspect(spec, nullptr, context);
}

Result<Json> RedisDriver::awaitToken(const DatabaseSpec& spec, const Token& token, const Context& context) {
    const auto end = TRY(redis::parseToken(token));
    return redis::awaitToken(TRY(open(spec, context)), end, context);
}

Result<Json> RedisDriver::promote(const DatabaseSpec& spec, const Token& token, const Context& context) {
    const auto end = TRY(redis::parseToken(token));
    return redis::promote(TRY(open(spec, context)), end, context);
}

Result<Json> RedisDriver::rejoin(const DatabaseSpec& spec, std::string_view, const Peer& peer, std::string_view slot,
                                 const Token& token, const Context& context) {
    const auto end = TRY(redis::parseToken(token));
    return redis::rejoin(TRY(open(spec, context)), peer, slot, end, context);
}

Result<Json> RedisDriver::ensureRunning(const DatabaseSpec& spec, std::string_view guardRole, const Context& context) {
    return redis::ensureRunning(TRY(open(spec, context)), guardRole, context);
}

Result<void> RedisDriver::stop(const DatabaseSpec& spec, const Context& context) {
    return redis::stopServer(TRY(open(spec, context)), context);
}

Result<void> RedisDriver::writeTest(const DatabaseSpec& spec, const Secret& password, const Context& context) {
    return redis::writeTest(spec, password, context);
}

}  // namespace swb::driver
