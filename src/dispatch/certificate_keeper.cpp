#include "dispatch/certificate_keeper.h"

#include "base/ids.h"
#include "base/log.h"
#include "dispatch/application_locks.h"
#include "plan/certificate_age.h"
#include "plan/planner.h"

namespace swb::dispatch {

CertificateKeeper::CertificateKeeper(store::Store& store, Fleet& fleet, Conductor& conductor, Inspector& inspector,
                                     const Clock& clock)
    : store_(store), fleet_(fleet), conductor_(conductor), inspector_(inspector), clock_(clock) {}

bool CertificateKeeper::isDue(const std::string& copy, const std::string& database, int64_t& retryMs) const {
    const auto application = loadCopy(store_, copy);
    if (!application || !application->databases.count(database)) return false;
    const std::string& server = application->databases.at(database).server;
    const auto facts = fleet_.sharedFacts(server);
    const Json* databases = facts && fleet_.connected(server) ? memberAt(*facts, "databases") : nullptr;
    const Json* found = databases ? memberAt(*databases, copy + "/" + database) : nullptr;
    const auto age = found ? plan::certificateAge(*found) : std::nullopt;
    if (!age || !age->isDue(clock_.now())) return false;
    retryMs = std::min(retryMs, age->retryMs());
    return true;
}

Result<std::map<CertificateKeeper::Pair, std::vector<std::string>>> CertificateKeeper::due() {
    std::map<Pair, std::vector<std::string>> out;
    for (const store::Document& document : TRY(store_.list("link"))) {
        const Link link = TRY(linkFromJson(document.body));
        const Pair pair{link.from, link.to};
        if (const auto tried = triedUntil_.find(pair); tried != triedUntil_.end() && lookAt_ < tried->second) continue;
        int64_t retryMs = INT64_MAX;
        const bool source = isDue(link.from, link.database, retryMs), replica = isDue(link.to, link.database, retryMs);
        if (!source && !replica) continue;
        out[pair].push_back(link.database);
        triedUntil_[pair] = lookAt_ + retryMs;
    }
    return out;
}

void CertificateKeeper::begin(const Pair& pair, const std::vector<std::string>& databases) {
    const auto begun = [&]() -> Result<run::Run> {
        const plan::Snapshot snapshot = TRY(inspector_.ofApplications(pair.first, pair.second, false));
        run::Run run = TRY(plan::planRenewal(snapshot, databases,
                                             {newId("r"), "controller", "certificates end before long", clock_.now()}));
        store::Commit commit;
        TRY_VOID(addLocks(store_, run, commit));
        return conductor_.begin(std::move(run), std::move(commit));
    }();
    if (begun)
        logInfo("certificates", "run {} renews those of {} and {}", begun->id, pair.first, pair.second);
    else
        logWarning("certificates", "those of {} and {} are not renewed yet: {}", pair.first, pair.second,
                   describe(begun.error()));
}

void CertificateKeeper::giveUpLate() {
    for (const run::Run& run : conductor_.active()) {
        if (run.kind != "renew-certificates" || clock_.now() - run.createdAt < patienceMs) continue;
        if (run.state == run::RunState::aborted || run.finished()) continue;
        logWarning("certificates", "run {} does not get through and is given up", run.id);
        if (const auto given = conductor_.give(run.id, run::Abort{}, "controller"); !given)
            logWarning("certificates", "run {} cannot be given up: {}", run.id, describe(given.error()));
    }
}

void CertificateKeeper::tick() {
    const MonotonicMs now = clock_.monotonic();
    if (now < lookAt_) return;
    lookAt_ = now + lookEveryMs;
    giveUpLate();
    const auto pairs = due();
    if (!pairs) {
        logWarning("certificates", "links cannot be read: {}", describe(pairs.error()));
        return;
    }
    for (const auto& [pair, databases] : *pairs) begin(pair, databases);
}

}  // namespace swb::dispatch
