#include <algorithm>

#include "model/copy.h"
#include "plan/environment.h"
#include "plan/plan_builder.h"

namespace swb::plan {
namespace {

// The application whose replicas the run is about is told of them; of a link between two applications both are.
void addEnvironment(PlanBuilder& plan, const Snapshot& snapshot) {
    std::vector<Told> told;
    for (const auto* application : {&snapshot.owner, &snapshot.from, &snapshot.to}) {
        if (!*application || isInside((*application)->name)) continue;
        told.push_back({&**application, replicaAddresses(**application, snapshot)});
        if (snapshot.owner) break;
    }
    addEnvironment(plan, told);
}

Result<void> requireConsent(const Application& to, const std::vector<std::string>& databases,
                            const std::vector<std::string>& consent) {
    for (const std::string& name : databases) {
        const std::string word = consentWord(to.name, name);
        if (std::find(consent.begin(), consent.end(), word) == consent.end())
            return fail(ErrorCode::ConsentRequired, "the data of " + to.name + "/" + name + " will be replaced",
                        "confirm by typing it: --consent " + word);
    }
    return {};
}

}  // namespace

std::string consentWord(const std::string& application, const std::string& database) {
    return "replace:" + application + "/" + database;
}

Result<run::Run> planReplication(const Snapshot& snapshot, const std::vector<std::string>& databases, bool resync,
                                 const std::vector<std::string>& consent, const Intent& intent, Loss loss) {
    const Application& from = *snapshot.from;
    const Application& to = *snapshot.to;
    if (databases.empty())
        return fail(ErrorCode::NotReady, from.name + " and " + to.name + " have no database in common",
                    "give both definitions a database of the same name and engine");
    JsonArray checks;
    for (const std::string& name : databases) {
        const Readiness readiness = checkReplication(snapshot, name, loss);
        TRY_VOID(requireReady(readiness, resync ? "resync" : "replication"));
        checks.push_back(toJson(readiness));
    }
    TRY_VOID(requireConsent(to, databases, consent));
    PlanBuilder plan(resync ? "resync" : "replicate", snapshot, intent);
    plan.run().checks = checks;
    plan.subject()["databases"] = JsonArray(databases.begin(), databases.end());
    plan.subject()["acceptDataLoss"] = loss == Loss::accepted;
    const std::string source = joined(databaseServers(from, databases)),
                      target = joined(databaseServers(to, databases));
    if (!to.web.empty())
        plan.step("maintenance-on", "maintenance-on", to.name + ": maintenance page on, writers stopped",
                  joined(webServers(to)), "its data is about to be replaced",
                  "a probe through every web front sees the page", "page off, writers started")
            .params = JsonObject{{"application", "to"}};
    plan.step("request-certificates", "request-certificates", "keys and certificate requests", source + ", " + target,
              "replication between clouds is encrypted and both ends are verified", "requests are there", "nothing");
    plan.step("sign-certificates", "sign-certificates", "the controller's CA signs them", "controller",
              "one CA for both sites", "signed", "nothing");
    plan.step("install-certificates", "install-certificates", "TLS on, by reload", source + ", " + target,
              "no server is restarted for it", "the server offers TLS with the new certificate", "nothing");
    plan.step("prepare-source", "prepare-source", from.name + ": role, access, slot", source,
              "the replica needs a way in", "slot and rule are there", "slot and access removed");
    plan.step("test-source", "test-source", to.name + " → " + from.name + ": a real replication connection", target,
              "an hour of copying must not end at a firewall", "the source's identity is read", "nothing");
    plan.step("seed", "seed", to.name + ": rewound where its history parted, else a verified copy; streaming", target,
              "the target's data is replaced by the source's; what only it has is saved first",
              "the copy is complete, streaming seen",
              "slot and access removed at the source; the old data stays until the copy streams");
    if (!snapshot.followers.empty()) {
        JsonArray followers;
        std::string names;
        for (const Application& copy : snapshot.followers) {
            followers.push_back(applicationToJson(copy));
            names += (names.empty() ? "" : ", ") + copy.name;
        }
        plan.subject()["followers"] = followers;
        plan.step("prepare-followers", "prepare-followers", to.name + ": its own replicas let in again: " + names,
                  target, "a new copy knows nobody who replicates from it", "slots and rules are there", "nothing");
    }
    if (isInside(to.name)) {
        // It never becomes a source of `from`: there is no way back to prepare.
        plan.step("link", "link", "the link is recorded", "controller", "status and switches stand on it", "stored",
                  "removed")
            .pointOfNoReturn = true;
        addEnvironment(plan, snapshot);
        return plan.take();
    }
    plan.step("prepare-target", "prepare-target", to.name + ": access for the way back", target,
              "going back must work before going", "rule is there", "nothing");
    plan.step("test-reverse", "test-reverse", from.name + " → " + to.name + ": a real replication connection", source,
              "most people find out at rejoin", "the target's identity is read", "nothing");
    plan.step("link", "link", "the link is recorded", "controller", "status and switches stand on it", "stored",
              "removed");
    return plan.take();
}

Result<run::Run> planDisable(const Snapshot& snapshot, const std::vector<std::string>& databases,
                             const Intent& intent) {
    const Application& from = *snapshot.from;
    const Application& to = *snapshot.to;
    for (const std::string& name : databases) {
        const bool linked = std::any_of(snapshot.links.begin(), snapshot.links.end(), [&](const Link& link) {
            return link.from == from.name && link.to == to.name && link.database == name;
        });
        if (!linked)
            return fail(ErrorCode::NotFound, to.name + "/" + name + " does not replicate from " + from.name,
                        "`swing replication status` lists what does");
    }
    if (databases.empty()) return fail(ErrorCode::NotFound, to.name + " does not replicate from " + from.name);
    PlanBuilder plan("disable-replication", snapshot, intent);
    plan.subject()["databases"] = JsonArray(databases.begin(), databases.end());
    run::Step& promote =
        plan.step("promote-standalone", "promote-standalone", to.name + ": replicas become standalone",
                  joined(databaseServers(to, databases)), "both sides stand alone afterwards", "writable", "none");
    // A replica inside an application holds nothing that its source lacks: behind or gone for good, it may go.
    promote.skippable = isInside(to.name);
    plan.subject()["acceptDataLoss"] = isInside(to.name);
    plan.step("release-source", "release-source", from.name + ": slots and access removed",
              joined(databaseServers(from, databases)), "a slot without a replica fills the disk", "slot gone", "none")
        .skippable = true;
    plan.step("unlink", "unlink", "the link is forgotten", "controller", "there is none any more", "stored", "none");
    addEnvironment(plan, snapshot);
    plan.run().steps.front().pointOfNoReturn = true;
    return plan.take();
}

Result<run::Run> planPromotion(const Snapshot& snapshot, const std::string& database, Loss loss, const Intent& intent) {
    if (!snapshot.to->databases.count(database))
        return fail(ErrorCode::NotFound, snapshot.to->name + " has no database " + database);
    const Readiness readiness = checkPromotion(snapshot, database, loss);
    TRY_VOID(requireReady(readiness, "the promotion"));
    const Application& to = *snapshot.to;
    PlanBuilder plan("promote", snapshot, intent);
    plan.run().checks = toJson(readiness);
    plan.subject()["databases"] = JsonArray{Json(database)};
    plan.subject()["acceptDataLoss"] = loss == Loss::accepted;
    plan.step("promote-standalone", "promote-standalone", to.name + "/" + database + " becomes a standalone primary",
              to.databases.at(database).server, "asked for", "writable", "none: the point of no return")
        .pointOfNoReturn = true;
    if (snapshot.from)
        plan.step("release-source", "release-source", snapshot.from->name + ": slot and access removed",
                  joined(databaseServers(*snapshot.from, {database})), "a slot without a replica fills the disk",
                  "slot gone", "none")
            .skippable = true;
    plan.step("unlink", "unlink", "the link is forgotten", "controller", "there is none any more", "stored", "none");
    addEnvironment(plan, snapshot);
    return plan.take();
}

}  // namespace swb::plan
