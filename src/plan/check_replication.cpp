#include <algorithm>

#include "model/copy.h"
#include "plan/engine_checks.h"
#include "plan/link_tree.h"

namespace swb::plan {
namespace {

// One source for each copy, no circle, and a depth that one can still understand.
void checkTree(CheckList& list, const Snapshot& snapshot, const std::string& database) {
    const std::string &from = snapshot.from->name, &to = snapshot.to->name;
    const std::string subject = to + "/" + database;
    const LinkTree tree(snapshot.links, database);
    if (isInside(to))
        list.refuseUnless(ownerOf(from) == ownerOf(to), "inside", subject, "it follows its own application",
                          to + " is a replica inside " + ownerOf(to) + " and follows nobody else",
                          "name " + ownerOf(to) + ", or another replica inside it, with --from");
    const std::string present = tree.sourceOf(to);
    list.refuseUnless(present.empty() || present == from, "no-other-link", subject, "no other replication",
                      to + " already replicates from " + present, "disable that first");
    list.refuseUnless(!tree.follows(from, to), "no-circle", subject, "the source does not follow the target",
                      from + " follows " + to + " itself", "replicate the other way, or disable that first");
    const size_t depth = tree.depthOf(from) + 1 + tree.heightOf(to);
    list.refuseUnless(depth <= linkDepthMax, "depth", subject,
                      "the tree of replicas is " + std::to_string(depth) + " deep",
                      "the tree of replicas would be " + std::to_string(depth) + " deep, the limit is " +
                          std::to_string(linkDepthMax),
                      "replicate from an application nearer to the primary");
}

// A primary, or a replica that is in the tree itself and follows.
void checkSourceRole(CheckList& list, const Snapshot& snapshot, const std::string& database, const Json& source) {
    const std::string& from = snapshot.from->name;
    const std::string subject = from + "/" + database, role = textAt(source, "role");
    const bool cascades = role == "replica" && !LinkTree(snapshot.links, database).sourceOf(from).empty();
    list.refuseUnless(role == "primary" || cascades, "source-role", subject, "it is a " + role,
                      "it is " + role + ", not a primary", "replicate from the primary, or from a replica of it");
    if (cascades)
        list.refuseUnless(textAt(source, "receiverStatus") == "streaming", "source-streaming", subject,
                          "the source itself follows", "the source is a replica that does not follow its own source",
                          "`swing replication status` shows its link");
}

// Does the replica have what its source has? With the loss accepted everything found is written down, and warns.
void checkCompleteness(CheckList& list, Engine engine, const std::string& subject, const Json& source,
                       const Json& replica, Loss loss, const CheckLimits& limits) {
    CheckList fit(0);
    checkReplicaFit(fit, engine, subject, source, replica, limits);
    const Readiness found = fit.take();
    for (const Check& check : found.checks) {
        if (check.name == "replay-paused") continue;  // the promotion's own check: it would be queued and fire later
        const bool accepted = loss == Loss::accepted && check.verdict == Verdict::refused;
        list.add(accepted ? Verdict::warning : check.verdict, check.name, check.subject, check.sentence, check.hint);
    }
}

// The target's history went another way than the source's, as after an emergency: what it has since would be lost here.
void checkOnlyHere(CheckList& list, const std::string& subject, const Json& target, Loss loss) {
    const Json* only = memberAt(target, "onlyHere");
    const bool any = only && only->is_object() && integerAt(*only, "commits", 1) > 0;
    const std::string sentence = any ? "only here: " + textAt(*only, "sentence") : "";
    if (any && loss == Loss::accepted)
        list.add(Verdict::warning, "only-here", subject, sentence + "; its loss was accepted",
                 "it is saved beside the data before anything is replaced");
    else
        list.refuseUnless(!any, "only-here", subject, "it has nothing that the source has not", sentence,
                          "it is saved before anything is replaced: say --accept-data-loss with a --reason");
}

}  // namespace

Readiness checkReplication(const Snapshot& snapshot, const std::string& database, Loss loss,
                           const CheckLimits& limits) {
    CheckList list(snapshot.at);
    const Application& from = *snapshot.from;
    const Application& to = *snapshot.to;
    const std::string subject = to.name + "/" + database;
    list.refuseUnless(from.name != to.name, "two-applications", subject, "two applications",
                      "source and target are one", "name another application with --to");
    const bool both = from.databases.count(database) && to.databases.count(database);
    list.refuseUnless(both, "same-databases", subject, "both have the database " + database,
                      "the database " + database + " is not in both applications",
                      "give it the same name in both definitions");
    if (!both) return list.take();
    const Engine engine = from.databases.at(database).engine;
    list.refuseUnless(engine == to.databases.at(database).engine, "engine", subject,
                      std::string("the engine is ") + std::string(nameOf(engine)),
                      "replication of " + std::string(nameOf(engine)) + " to " +
                          std::string(nameOf(to.databases.at(database).engine)) + " is not supported",
                      "give both definitions the same engine");
    checkAgents(list, snapshot, from, limits);
    checkAgents(list, snapshot, to, limits);
    checkTree(list, snapshot, database);
    for (const Group& group : snapshot.groups)
        if (group.current == to.name)
            list.refuseUnless(false, "target-not-current", subject, "",
                              to.name + " is the current application of " + group.name,
                              "its data would be replaced: replicate the other way");
    const Json* source = snapshot.facts(from, database);
    const Json* target = snapshot.facts(to, database);
    list.refuseUnless(
        source && booleanAt(*source, "reachable"), "source-reachable", from.name + "/" + database, "the source answers",
        "the source does not answer" + (source ? ": " + textAt(*source, "error") : ""), "start it; look at its log");
    if (!source || !booleanAt(*source, "reachable")) return list.take();
    checkSourceRole(list, snapshot, database, *source);
    const bool isLinked = std::any_of(snapshot.links.begin(), snapshot.links.end(), [&](const Link& link) {
        return link.from == from.name && link.to == to.name && link.database == database;
    });
    checksOf(engine).source(list, from.name + "/" + database, *source, isLinked);
    if (!target) return list.take();
    checksOf(engine).fit(list, subject, *source, *target);
    checkOnlyHere(list, subject, *target, loss);
    if (!snapshot.followers.empty())
        list.warnUnless(false, "followers", subject, "",
                        "others replicate from it, and may not be able to go on from a new copy",
                        "`swing replication status` shows them afterwards; resync what is broken, from the top down");
    const int64_t free = integerAt(*target, "diskFreeBytes", -1), needed = integerAt(*source, "dataBytes");
    if (free >= 0)
        list.refuseUnless(
            free > needed + needed / 10, "disk", subject, "enough disk is free for the copy",
            std::to_string(free >> 20) + " MiB are free, the source has " + std::to_string(needed >> 20) + " MiB",
            "the copy is made beside the old data: free some space first");
    return list.take();
}

Readiness checkPromotion(const Snapshot& snapshot, const std::string& database, Loss loss, const CheckLimits& limits) {
    CheckList list(snapshot.at);
    const Application& application = *snapshot.to;
    const std::string subject = application.name + "/" + database;
    checkAgents(list, snapshot, application, limits);
    const Json* facts = snapshot.facts(application, database);
    const bool reopens = loss == Loss::accepted && facts && booleanAt(*facts, "fenced") && !snapshot.from;
    for (const Group& group : snapshot.groups)
        if ((group.primary == application.name || group.secondary == application.name) &&
            !(reopens && group.current == application.name))
            list.refuseUnless(false, "not-in-group", subject, "",
                              application.name + " belongs to the group " + group.name,
                              "use `swing group switch " + group.name + "`, or take it out of the group first");
    list.refuseUnless(facts && booleanAt(*facts, "reachable"), "replica-reachable", subject, "the replica answers",
                      "the replica does not answer", "start it; look at its log");
    if (!facts) return list.take();
    list.refuseUnless(textAt(*facts, "role") == "replica", "replica-role", subject, "it is a replica",
                      "it is " + textAt(*facts, "role") + ", not a replica", "there is nothing to promote");
    list.refuseUnless(!booleanAt(*facts, "replayPaused"), "replay-paused", subject, "replay is not paused",
                      "replay is paused", "resume it there");
    if (snapshot.from)
        if (const Json* source = snapshot.facts(*snapshot.from, database); source && booleanAt(*source, "reachable"))
            checkCompleteness(list, application.databases.at(database).engine, subject, *source, *facts, loss, limits);
    return list.take();
}

}  // namespace swb::plan
