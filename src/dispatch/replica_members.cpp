#include "dispatch/replica_members.h"

#include <algorithm>

#include "base/ids.h"
#include "base/log.h"
#include "model/copy.h"
#include "plan/planner.h"

namespace swb::dispatch {

bool Membership::isDue(const plan::ReplicaAddresses& following, MonotonicMs now) {
    if (following == told_) {
        since_ = 0;
        return false;
    }
    if (since_ == 0 || following != seen_) {
        seen_ = following;
        since_ = now;
    }
    // Addresses that were told and are not there: of one gone, or of one whose address changed.
    const bool lost = std::any_of(told_.begin(), told_.end(), [&](const auto& entry) {
        const auto found = following.find(entry.first);
        return found == following.end() || found->second.size() < entry.second.size();
    });
    return now - since_ >= (lost ? goneMs : backMs);
}

plan::FactsOf factsFrom(const Fleet& fleet) {
    return [&fleet](const Application& copy, const std::string& database) -> Json {
        const std::string& server = copy.databases.at(database).server;
        const Json seen = fleet.connected(server) ? fleet.facts(server) : Json(nullptr);
        const Json* databases = memberAt(seen, "databases");
        const Json* found = databases ? memberAt(*databases, copy.name + "/" + database) : nullptr;
        return found ? *found : Json(nullptr);
    };
}

Result<std::vector<Link>> linksIn(const store::Store& store) {
    std::vector<Link> links;
    for (const store::Document& document : TRY(store.list("link"))) links.push_back(TRY(linkFromJson(document.body)));
    return links;
}

void ReplicaMembers::tick(MonotonicMs now) {
    if (now < dueAt_) return;
    dueAt_ = now + periodMs;
    const auto links = linksIn(store_);
    if (!links || std::none_of(links->begin(), links->end(), [](const Link& link) { return isInside(link.to); }))
        return;
    const auto documents = store_.list("application");
    if (!documents) return;
    for (const store::Document& document : *documents) {
        const bool concerned = std::any_of(links->begin(), links->end(), [&](const Link& link) {
            return isInside(link.to) && ownerOf(link.to) == document.id;
        });
        const Json* definition = memberAt(document.body, "definition");
        if (!concerned || !definition) continue;
        if (const auto application = applicationFromJson(*definition)) look(*application, *links, now);
    }
}

void ReplicaMembers::look(const Application& application, const std::vector<Link>& links, MonotonicMs now) {
    const auto following = plan::replicaAddresses(application, links, factsFrom(fleet_), plan::Members::streaming);
    const auto told = told_(application.name);
    // After a start it is not known: what is seen first counts as told, the processes have it from before.
    Membership& membership = memberships_.try_emplace(application.name, told.value_or(following)).first->second;
    if (told) membership.told(*told);
    if (!membership.isDue(following, now)) return;
    const auto held = store_.get("lock", "application/" + application.name);
    if (!held || *held) return;
    const auto begun = begin(application, following);
    if (begun)
        membership.told(following);
    else
        logWarning("replicas", "{} is not told of its replicas: {}", application.name, describe(begun.error()));
}

Result<void> ReplicaMembers::begin(const Application& application, const plan::ReplicaAddresses& following) {
    plan::Snapshot snapshot;
    snapshot.at = clock_.now();
    snapshot.to = application;
    const plan::Intent intent{newId("r"), "controller", "its replicas have changed", clock_.now()};
    run::Run run = plan::planEnvironment(snapshot, following, intent);
    store::Commit extra;
    extra.puts.push_back({"lock", "application/" + application.name, store::mustNotExist, JsonObject{{"run", run.id}}});
    TRY(conductor_.begin(std::move(run), std::move(extra)));
    return {};
}

}  // namespace swb::dispatch
