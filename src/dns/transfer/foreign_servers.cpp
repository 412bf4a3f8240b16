#include "dns/transfer/foreign_servers.h"

#include <algorithm>

#include "base/log.h"

namespace swb::dns::transfer {

ForeignServers::ForeignServers(LookUp lookUp, LookUpTiming timing, const Clock& clock, std::function<void()> changed)
    : lookUp_(std::move(lookUp)), timing_(timing), clock_(clock), changed_(std::move(changed)), thread_([this] {
          run();
      }) {}

ForeignServers::~ForeignServers() {
    stop();
}

void ForeignServers::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void ForeignServers::want(const Name& zone, std::vector<Name> names) {
    const std::lock_guard lock(mutex_);
    std::vector<Name>& present = wanted_[zone];
    if (present == names) return;
    present = std::move(names);
    const auto isWanted = [&](const Name& name) {
        return std::any_of(wanted_.begin(), wanted_.end(), [&](const auto& entry) {
            return std::find(entry.second.begin(), entry.second.end(), name) != entry.second.end();
        });
    };
    std::erase_if(servers_, [&](const auto& entry) { return !isWanted(entry.first); });
    for (const Name& name : present) servers_.try_emplace(name);
    wake_.notify_all();
}

std::vector<IpAddress> ForeignServers::addressesOf(const Name& server) const {
    const std::lock_guard lock(mutex_);
    const auto found = servers_.find(server);
    return found == servers_.end() ? std::vector<IpAddress>() : found->second.addresses;
}

void ForeignServers::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        const auto due = std::min_element(servers_.begin(), servers_.end(), [](const auto& left, const auto& right) {
            return left.second.dueAt < right.second.dueAt;
        });
        const int64_t waitMs = due == servers_.end() ? timing_.latestMs : due->second.dueAt - clock_.monotonic();
        if (waitMs > 0) {
            wake_.wait_for(lock, std::chrono::milliseconds(waitMs));
            continue;
        }
        const Name name = due->first;
        lock.unlock();
        const auto found = lookUp_(name.toText());
        lock.lock();
        if (!keep(name, found)) continue;
        lock.unlock();
        changed_();
        lock.lock();
    }
}

// Whether the addresses are others than before.
bool ForeignServers::keep(const Name& name, const Result<ResolvedAddresses>& found) {
    const auto server = servers_.find(name);
    if (server == servers_.end()) return false;
    Server& known = server->second;
    std::vector<IpAddress> addresses;
    for (const std::string& text : found ? found->addresses : std::vector<std::string>())
        if (const auto address = IpAddress::fromText(text)) addresses.push_back(*address);
    std::sort(addresses.begin(), addresses.end());
    if (addresses.empty()) {
        const std::string problem = found ? "it has no address" : describe(found.error());
        if (problem != known.problem)
            logWarning("dns", "the name server {} is notified {}: {}", name.toText(),
                       known.addresses.empty() ? "once its address is known" : "at its last known addresses", problem);
        known.problem = problem;
        known.dueAt = clock_.monotonic() + timing_.retryMs;
        return false;
    }
    known.problem.clear();
    known.dueAt = clock_.monotonic() +
                  std::clamp<int64_t>(found->ttlSeconds * int64_t{1000}, timing_.soonestMs, timing_.latestMs);
    if (addresses == known.addresses) return false;
    known.addresses = std::move(addresses);
    return true;
}

}  // namespace swb::dns::transfer
