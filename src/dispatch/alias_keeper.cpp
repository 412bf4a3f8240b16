#include "dispatch/alias_keeper.h"

#include <algorithm>
#include <set>

#include "base/log.h"

namespace swb::dispatch {
namespace {

constexpr int64_t askMs = 2000;
constexpr int64_t retryMs = 10'000;                  // after a failed look-up
constexpr int64_t soonestMs = 5'000;                 // whatever TTL the target has
constexpr int64_t latestMs = 5 * 60'000;             // a foreign address may change without its TTL saying so
constexpr auto lookEvery = std::chrono::seconds(1);  // for aliases that were just made

void add(dns::ResolvedAddresses& all, dns::ResolvedAddresses found) {
    all.ttlSeconds = all.addresses.empty() ? found.ttlSeconds : std::min(all.ttlSeconds, found.ttlSeconds);
    all.addresses.insert(all.addresses.end(), found.addresses.begin(), found.addresses.end());
}

// Whether the answer is certain: another resolver would say the same.
bool isFinal(const Result<dns::ResolvedAddresses>& answer) {
    return answer || answer.error().code == ErrorCode::NotFound;
}

}  // namespace

Resolve resolveBy(std::vector<dns::Endpoint> resolvers) {
    return [resolvers = std::move(resolvers)](const std::string& name) -> Result<dns::ResolvedAddresses> {
        Error last(ErrorCode::Unreachable, "no resolver is configured", "name some under `resolvers:` in swingd.yaml");
        for (const dns::Endpoint& resolver : resolvers) {
            auto ipv4 = dns::resolveAddresses(resolver, name, dns::type::a, askMs, dns::Recursion::desired);
            auto ipv6 = dns::resolveAddresses(resolver, name, dns::type::aaaa, askMs, dns::Recursion::desired);
            // Half an answer is none: the other family would vanish from the alias for a lost packet.
            if (!isFinal(ipv4) || !isFinal(ipv6)) {
                last = isFinal(ipv4) ? ipv6.error() : ipv4.error();
                continue;
            }
            dns::ResolvedAddresses all;
            if (ipv4) add(all, std::move(*ipv4));
            if (ipv6) add(all, std::move(*ipv6));
            if (all.addresses.empty()) return fail(ipv4.error());
            return all;
        }
        return fail(last);
    };
}

AliasKeeper::AliasKeeper(store::Store& store, Publisher& publisher, const Clock& clock, Resolve resolve)
    : store_(store), publisher_(publisher), clock_(clock), resolve_(std::move(resolve)) {}

AliasKeeper::~AliasKeeper() {
    stop();
}

void AliasKeeper::start() {
    thread_ = std::thread([this] {
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            lock.unlock();
            if (refresh())
                if (auto published = publisher_.publish(store_); !published)
                    logError("dns", "aliases: {}", describe(published.error()));
            lock.lock();
            wake_.wait_for(lock, lookEvery, [this] { return stopping_; });
        }
    });
}

void AliasKeeper::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

bool AliasKeeper::refresh() {
    const auto zones = store_.list("zone");
    const auto groups = store_.list("group");
    if (!zones || !groups) return false;
    std::set<std::string> own, present;
    for (const store::Document& group : *groups) own.insert(textAt(group.body, "address"));
    bool changed = false;
    for (const store::Document& document : *zones) {
        const auto zone = zoneFromJson(document.body);
        if (!zone) continue;
        for (const Alias& alias : zone->aliases) {
            if (own.count(alias.target)) continue;
            present.insert(alias.name);
            Known& known = known_[alias.name];
            if (known.target == alias.target && clock_.monotonic() < known.dueAt) continue;
            known.target = alias.target;
            changed |= refreshAlias(alias, known);
        }
    }
    std::erase_if(known_, [&](const auto& entry) { return !present.count(entry.first); });
    return changed;
}

bool AliasKeeper::refreshAlias(const Alias& alias, Known& known) {
    const auto found = resolve_(alias.target);
    const auto kept = found ? keep(alias, *found) : Result<bool>(fail(found.error()));
    if (!kept) {
        known.dueAt = clock_.monotonic() + retryMs;
        const std::string problem = describe(kept.error());
        if (problem != known.problem)
            logWarning("dns", "the alias {} keeps its last addresses: {}", alias.name, problem);
        known.problem = problem;
        return false;
    }
    if (!known.problem.empty()) logInfo("dns", "the alias {} is looked up again", alias.name);
    known.problem.clear();
    known.dueAt = clock_.monotonic() + std::clamp<int64_t>(found->ttlSeconds * 1000LL, soonestMs, latestMs);
    return *kept;
}

// True: they are not what was there.
Result<bool> AliasKeeper::keep(const Alias& alias, const dns::ResolvedAddresses& found) {
    std::vector<std::string> addresses = found.addresses;
    std::sort(addresses.begin(), addresses.end());
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    if (addresses.size() > dns::addressesPerNameMax) addresses.resize(dns::addressesPerNameMax);
    Json body = JsonObject{{"target", alias.target}, {"addresses", JsonArray(addresses.begin(), addresses.end())}};
    const auto present = TRY(store_.get("alias", alias.name));
    if (present && present->body == body) return false;
    store::Commit commit;
    commit.events.push_back({"zone.alias.changed", "alias/" + alias.name, "controller", body});
    commit.puts.push_back({"alias", alias.name, present ? present->version : store::mustNotExist, std::move(body)});
    TRY(store_.commit(commit));
    return true;
}

}  // namespace swb::dispatch
