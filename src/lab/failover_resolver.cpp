#include "lab/failover_resolver.h"

#include "base/clock.h"
#include "dns/resolve.h"

namespace swb::lab {
namespace {

constexpr int64_t askMs = 1000;
constexpr double askAgainMs = 2;  // a thousand failing writers must not become a flood of queries

}  // namespace

Result<std::string> FailoverResolver::peer() {
    const std::lock_guard lock(mutex_);
    const double now = preciseMs();
    if (!peer_.empty() && now < validUntil_) return peer_;
    const auto resolved = TRY(dns::resolveA(world_.dnsServer(), world_.failoverName(), askMs));
    const Site* site = world_.siteAt(resolved.addresses.front());
    if (!site)
        return fail(ErrorCode::VerificationFailed,
                    world_.failoverName() + " is " + resolved.addresses.front() + ", no site of this lab");
    peer_ = site->address + ":" + std::to_string(site->webPort);
    validUntil_ = now + 1000.0 * resolved.ttlSeconds;
    notBefore_ = now + askAgainMs;
    if (!last_.empty() && last_ != peer_) ++changes_;
    last_ = peer_;
    return peer_;
}

void FailoverResolver::distrust(const std::string& peer) {
    const std::lock_guard lock(mutex_);
    if (peer == peer_) validUntil_ = std::min(validUntil_, notBefore_);
}

int64_t FailoverResolver::changes() const {
    const std::lock_guard lock(mutex_);
    return changes_;
}

}  // namespace swb::lab
