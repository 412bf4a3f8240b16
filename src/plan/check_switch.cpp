#include <algorithm>
#include <set>

#include "model/copy.h"
#include "plan/certificate_age.h"
#include "plan/engine_checks.h"

namespace swb::plan {
namespace {

std::string number(int64_t value) {
    return std::to_string(value);
}

void checkGroup(CheckList& list, const Snapshot& snapshot) {
    const Group& group = snapshot.group;
    list.refuseUnless(group.busy.empty(), "group-free", group.name, "no other run holds the group",
                      "run " + group.busy + " holds the group", "wait for it: `swing run watch " + group.busy + "`");
    const bool both = !group.primary.empty() && !group.secondary.empty();
    list.refuseUnless(both, "two-applications", group.name, "both slots are filled",
                      "the group has only one application", "`swing group update --secondary APP`");
    list.refuseUnless(snapshot.from && snapshot.from->name == group.current, "current-application", group.name,
                      "the current application is " + group.current, "the group has no current application",
                      "`swing group update --primary APP` names one");
    list.refuseUnless(snapshot.to && snapshot.to->name != group.current, "target-differs", group.name,
                      "the target is not the current application", "the target is the current application already",
                      "name the other one with --to, or none");
    list.refuseUnless(snapshot.dnsServing, "dns", group.name, "the controller answers the failover address",
                      "the controller's DNS does not answer", "look at swingd's log: is its DNS port taken?");
}

// How long users may keep the old address: said always, a warning only when somebody prepared and is too early.
void checkTtl(CheckList& list, const Snapshot& snapshot) {
    const Group& group = snapshot.group;
    const bool early = group.ttlLoweredAt != 0 && snapshot.at < group.ttlSafeAt();
    const std::string keeps =
        "caches keep the old address for up to " + number(group.ttlLoweredAt ? group.answeredTtl() : group.ttl) + " s";
    list.warnUnless(!early, "ttl", group.name,
                    keeps + (group.ttlLoweredAt || group.lowTtl >= group.ttl
                                 ? ""
                                 : " (`swing group prepare` or --prepare-ttl: " + number(group.lowTtl) + " s)"),
                    "the TTL is lowered, but caches may hold the usual " + number(group.ttl) + " s until " +
                        isoTime(group.ttlSafeAt()),
                    "wait until then, or go now: some users come " + number(group.ttl) + " s later");
}

void checkPair(CheckList& list, const Snapshot& snapshot) {
    const Application& from = *snapshot.from;
    const Application& to = *snapshot.to;
    const std::string subject = from.name + " → " + to.name;
    std::set<std::string> missing;
    for (const auto& [name, spec] : from.databases)
        if (!to.databases.count(name) || to.databases.at(name).engine != spec.engine) missing.insert(name);
    for (const auto& [name, spec] : to.databases)
        if (!from.databases.count(name)) missing.insert(name);
    list.refuseUnless(missing.empty(), "same-databases", subject, "both have the same databases",
                      "not in both applications with one engine: " + (missing.empty() ? "" : *missing.begin()),
                      "every database moves or none: give both definitions the same databases");
    list.refuseUnless(!from.web.empty() && !to.web.empty(), "web-fronts", subject, "both have a web front",
                      "an application has no web front", "the address needs one: add `web:` to its definition");
    list.warnUnless(from.code.revision == to.code.revision, "code-revision", subject, "same code revision",
                    "code revisions differ: " + from.code.revision + " and " + to.code.revision,
                    "deploy the same revision to both");
    std::set<std::string> onPurpose(from.environmentDiffers.begin(), from.environmentDiffers.end());
    onPurpose.insert(to.environmentDiffers.begin(), to.environmentDiffers.end());
    std::string drift;
    const auto drifts = [&](const std::string& name) {
        if (!onPurpose.count(name)) drift += (drift.empty() ? "" : ", ") + name;
    };
    for (const auto& [name, value] : from.environment) {
        const auto other = to.environment.find(name);
        if (other == to.environment.end() || other->second != value) drifts(name);
    }
    for (const auto& [name, value] : to.environment)
        if (!from.environment.count(name)) drifts(name);
    list.warnUnless(drift.empty(), "environment-drift", subject, "same environment", "environment differs: " + drift,
                    "make both definitions agree, or name what differs on purpose: `environment_differs: [NAME, …]`");
    std::string processes;
    for (const auto& [name, spec] : from.processes)
        if (!to.processes.count(name)) processes += (processes.empty() ? "" : ", ") + name;
    list.warnUnless(processes.empty(), "same-processes", subject, "both have the same processes",
                    "the target lacks processes: " + processes, "add them to its definition");
    list.warnUnless(from.web.size() <= to.web.size(), "front-capacity", subject, "the target has as many web fronts",
                    "the target has fewer web fronts than the current site", "can it carry all the traffic?");
}

void checkTargetRuns(CheckList& list, const Snapshot& snapshot) {
    const Application& to = *snapshot.to;
    for (const WebSpec& web : to.web) {
        const auto front = snapshot.fronts.find(to.name + "/" + web.address);
        const bool answers = front != snapshot.fronts.end() && integerAt(front->second, "status") != 0;
        list.refuseUnless(answers, "front-answers", to.name + "/" + web.address, "the target's web front answers",
                          "the target's web front does not answer",
                          "is it running? Its configuration is written by `swing app apply`");
    }
    for (const auto& [name, spec] : to.processes) {
        const auto seen = snapshot.processes.find(to.name + "/" + name);
        const std::string user = seen == snapshot.processes.end() ? "" : textAt(seen->second, "user");
        list.warnUnless(user != "root", "process-user", to.name + "/" + name,
                        "the process does not run as root" + (user.empty() ? "" : " but as " + user),
                        "the process runs as root, like the agent that starts it",
                        "name an unprivileged user: `run_as: USER` in the process's definition");
        if (spec.writes) continue;  // runs only at the current site
        const auto process = snapshot.processes.find(to.name + "/" + name);
        const bool healthy = process != snapshot.processes.end() && booleanAt(process->second, "healthy");
        list.refuseUnless(healthy, "process-healthy", to.name + "/" + name, "the process is healthy at the target",
                          "the process is not healthy at the target", "look at its log on " + spec.server);
    }
}

// What ends in the night after the switch cuts the way back.
void checkCertificate(CheckList& list, const std::string& subject, const Json& facts) {
    const auto age = certificateAge(facts);
    if (!age) return;
    const UnixMs now = list.at();
    list.refuseUnless(!age->isOver(now), "certificate-valid", subject,
                      "its certificates for replication are valid for " + lengthText(age->endsAt - now),
                      "its certificates for replication ended at " + isoTime(age->endsAt),
                      "`swing replication renew`; without it nothing reconnects");
    if (!age->isOver(now))
        list.warnUnless(!age->isLate(now), "certificate-renewed", subject, "its certificates are renewed in time",
                        "its certificates end in " + lengthText(age->endsAt - now) + " and were not renewed",
                        "`swing run list` shows why; `swing replication renew` tries again");
}

void checkSource(CheckList& list, const std::string& subject, const Json& source, const CheckLimits& limits) {
    list.refuseUnless(integerAt(source, "preparedTransactions") == 0, "prepared-transactions", subject,
                      "no prepared transactions",
                      number(integerAt(source, "preparedTransactions")) + " prepared transactions are open",
                      "commit or roll them back (postgresql: pg_prepared_xacts; mariadb: XA RECOVER)");
    const int64_t longest = integerAt(source, "longestTransactionSeconds");
    list.warnUnless(longest <= limits.longTransactionSecondsMax, "long-transaction", subject, "no long transaction",
                    "a transaction has been open for " + number(longest) + " s and would be cut off",
                    "let it end first");
}

void checkReplica(CheckList& list, const std::string& subject, const Json& source, const Json& replica,
                  const CheckLimits& limits) {
    const int64_t free = integerAt(replica, "diskFreeBytes", -1), data = integerAt(replica, "dataBytes");
    if (free >= 0)
        list.refuseUnless(free > static_cast<int64_t>(static_cast<double>(data) * limits.diskFreeFractionMin), "disk",
                          subject, "enough disk is free at the replica",
                          "only " + number(free >> 20) + " MiB of disk are free at the replica",
                          "free some before it takes over");
    list.refuseUnless(integerAt(replica, "maxConnections") >= integerAt(source, "connections"), "connections", subject,
                      "the replica takes as many connections", "the replica takes fewer connections than are open now",
                      "raise max_connections there");
}

void checkDatabase(CheckList& list, const Snapshot& snapshot, const std::string& name, const CheckLimits& limits) {
    const Application& from = *snapshot.from;
    const Application& to = *snapshot.to;
    const std::string subject = to.name + "/" + name;
    const bool linked = std::any_of(snapshot.links.begin(), snapshot.links.end(), [&](const Link& link) {
        return link.from == from.name && link.to == to.name && link.database == name;
    });
    list.refuseUnless(linked, "link", subject, "replication from " + from.name + " is enabled",
                      "there is no replication from " + from.name,
                      "`swing replication enable --from " + from.name + " --to " + to.name + "`");
    const Json* source = snapshot.facts(from, name);
    const Json* replica = snapshot.facts(to, name);
    list.refuseUnless(source && booleanAt(*source, "reachable"), "source-reachable", from.name + "/" + name,
                      "the primary answers",
                      "the primary does not answer" + (source ? ": " + textAt(*source, "error") : ""),
                      "a planned switch needs it; if the site is lost, that is an emergency");
    list.refuseUnless(replica && booleanAt(*replica, "reachable"), "replica-reachable", subject, "the replica answers",
                      "the replica does not answer" + (replica ? ": " + textAt(*replica, "error") : ""),
                      "start it; look at its log");
    if (!source || !replica || !booleanAt(*source, "reachable") || !booleanAt(*replica, "reachable")) return;
    const bool fenced = booleanAt(*source, "fenced");
    list.refuseUnless(
        textAt(*source, "role") == "primary" && !fenced, "source-role", from.name + "/" + name, "it is the primary",
        fenced ? "it is fenced: nobody can write there" : "it is not a primary but " + textAt(*source, "role"),
        fenced ? "a run that fenced it has not ended: `swing run list`"
               : "the group's current application must be the primary");
    list.refuseUnless(textAt(*replica, "role") == "replica", "replica-role", subject, "it is a replica",
                      "it is not a replica but " + textAt(*replica, "role"),
                      "`swing replication resync` makes it one again");
    const Engine engine = to.databases.at(name).engine;
    const EngineChecks& own = checksOf(engine);
    own.fit(list, subject, *source, *replica);
    checkReplicaFit(list, engine, subject, *source, *replica, limits);
    checkSource(list, from.name + "/" + name, *source, limits);
    own.leaving(list, from.name + "/" + name, *source);
    own.taking(list, subject, *source, *replica);
    checkReplica(list, subject, *source, *replica, limits);
    list.refuseUnless(
        booleanAt(*source, "canConnectToPeer"), "reverse-connection", from.name + "/" + name,
        "the old site can replicate from the new one",
        "the old site cannot open a replication connection to the new one: " + textAt(*source, "peerError"),
        "firewall, access rule or certificate at " + to.name + ": without it going back is impossible");
    for (const auto& [side, facts] : {std::pair{from.name, source}, {to.name, replica}}) {
        checkCertificate(list, side + "/" + name, *facts);
        const Json* guard = memberAt(*facts, "guard");
        const int64_t epoch = guard ? integerAt(*guard, "epoch") : 0;
        list.refuseUnless(
            epoch <= snapshot.group.epoch, "epoch", side + "/" + name, "its epoch is not newer than the group's",
            "its boot guard is of epoch " + number(epoch) + ", newer than the group's " + number(snapshot.group.epoch),
            "another controller has switched it: restore this controller's newest backup");
    }
}

// Replicas inside the applications are never in the way: what is wrong with one is said, and the switch goes on.
void checkReplicasInside(CheckList& list, const Snapshot& snapshot, const Application& application) {
    for (const Application& copy : copiesInside(application))
        for (const auto& [name, spec] : copy.databases) {
            const Link* link = snapshot.linkTo(copy.name, name);
            if (!link) continue;
            const std::string subject = copy.name + "/" + name;
            const Json* facts = snapshot.facts(copy, name);
            const bool seen = facts && booleanAt(*facts, "reachable") && !booleanAt(*facts, "stale");
            const bool streams =
                seen && textAt(*facts, "role") == "replica" && textAt(*facts, "receiverStatus") == "streaming";
            const std::string problem = !seen                                 ? "does not answer"
                                        : textAt(*facts, "role") != "replica" ? "is " + textAt(*facts, "role")
                                                                              : "does not stream";
            list.warnUnless(streams, "replica-inside", subject, "the replica follows " + link->from,
                            "the replica " + problem + ": the switch does not wait for it",
                            "`swing replication status` shows its link; `swing replication resync --from " +
                                link->from + " --to " + copy.name + "` makes it a copy again");
        }
}

}  // namespace

Readiness checkSwitch(const Snapshot& snapshot, const CheckLimits& limits) {
    CheckList list(snapshot.at);
    checkGroup(list, snapshot);
    if (!snapshot.from || !snapshot.to) return list.take();
    checkAgents(list, snapshot, *snapshot.from, limits);
    checkAgents(list, snapshot, *snapshot.to, limits);
    checkPair(list, snapshot);
    checkTtl(list, snapshot);
    checkTargetRuns(list, snapshot);
    checkPublications(list, snapshot);
    checkAddressTest(list, snapshot);
    checkSecondaries(list, snapshot);
    for (const std::string& name : commonDatabases(*snapshot.from, *snapshot.to))
        checkDatabase(list, snapshot, name, limits);
    checkReplicasInside(list, snapshot, *snapshot.from);
    if (snapshot.to->name != snapshot.from->name) checkReplicasInside(list, snapshot, *snapshot.to);
    return list.take();
}

}  // namespace swb::plan
