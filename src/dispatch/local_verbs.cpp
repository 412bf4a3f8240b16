#include "dispatch/local_verbs.h"

#include <array>

#include "base/assert.h"
#include "dispatch/replica_members.h"

namespace swb::dispatch {
namespace {

constexpr int64_t databaseCertificateHours = 24 * 90;  // renewed with a third of it left

std::vector<std::string> databasesOf(const run::Run& run) {
    std::vector<std::string> names;
    if (const Json* list = memberAt(run.subject, "databases"); list && list->is_array())
        for (const Json& name : list->get_array()) names.emplace_back(name.as_string());
    return names;
}

Json detail(std::string sentence) {
    return JsonObject{{"detail", std::move(sentence)}};
}

}  // namespace

Result<Json> ControllerVerbs::perform(std::string_view verb, const run::Run& run, const Json& args) {
    struct Row {
        std::string_view verb;
        Result<Json> (ControllerVerbs::*perform)(const run::Run&, const Json&);
    };
    static constexpr std::array rows = {Row{"controller.lock", &ControllerVerbs::lock},
                                        Row{"controller.publish", &ControllerVerbs::publish},
                                        Row{"controller.lower-ttl", &ControllerVerbs::lowerTtl},
                                        Row{"controller.restore-ttl", &ControllerVerbs::restoreTtl},
                                        Row{"controller.publish-elsewhere", &ControllerVerbs::publishElsewhere},
                                        Row{"controller.report", &ControllerVerbs::report},
                                        Row{"controller.sign-certificates", &ControllerVerbs::signCertificates},
                                        Row{"controller.link", &ControllerVerbs::link},
                                        Row{"controller.unlink", &ControllerVerbs::unlink},
                                        Row{"controller.forget", &ControllerVerbs::forget}};
    for (const Row& row : rows)
        if (row.verb == verb) return (this->*row.perform)(run, args);
    return fail(ErrorCode::UnsupportedVerb, "the controller does not know the verb " + std::string(verb));
}

Result<Json> ControllerVerbs::lock(const run::Run& run, const Json&) {
    const Group group = TRY(groupFromJson(TRY(store::getOrFail(store_, "group", run.group)).body));
    if (group.busy != run.id)
        return fail(ErrorCode::GroupBusy, "the group " + run.group + " is held by " +
                                              (group.busy.empty() ? "nobody" : group.busy) + ", not by this run");
    if (group.epoch != run.epoch)
        return fail(ErrorCode::EpochOld, "the group is at epoch " + std::to_string(group.epoch) + ", the run at " +
                                             std::to_string(run.epoch));
    return detail("epoch " + std::to_string(run.epoch));
}

// One commit turns the group and its links round; the zone follows. A crash in between is repaired by doing it again.
Result<Json> ControllerVerbs::publish(const run::Run& run, const Json&) {
    const auto build = [&]() -> Result<store::Commit> {
        const store::Document document = TRY(store::getOrFail(store_, "group", run.group));
        Group group = TRY(groupFromJson(document.body));
        SWB_ASSERT(group.epoch >= run.epoch, "a group's epoch went backward");
        if (group.epoch != run.epoch)
            return fail(ErrorCode::EpochOld, "the group has moved on to epoch " + std::to_string(group.epoch));
        group.current = run.to;
        group.updatedAt = clock_.now();
        store::Commit commit;
        commit.puts.push_back({"group", group.name, document.version, toJson(group)});
        for (const std::string& name : databasesOf(run)) {
            Link old{run.from, run.to, name, "", 0};
            const auto present = TRY(store_.get("link", old.id()));
            if (!present) continue;
            Link turned = TRY(linkFromJson(present->body));
            std::swap(turned.from, turned.to);
            turned.since = clock_.now();
            commit.removes.push_back({"link", old.id(), present->version});
            commit.puts.push_back({"link", turned.id(), store::anyVersion, toJson(turned)});
        }
        commit.events.push_back({"group.current", "group/" + group.name, run.actor,
                                 JsonObject{{"current", run.to}, {"epoch", run.epoch}, {"run", run.id}}});
        return commit;
    };
    TRY(store::commitWithRetry(store_, build));
    const uint32_t serial = TRY(publisher_.publishGroup(store_, run.group));
    const Group group = TRY(groupFromJson(TRY(store::getOrFail(store_, "group", run.group)).body));
    const Json* to = memberAt(run.subject, "to");
    const Application application = TRY(applicationFromJson(to ? *to : Json(nullptr)));
    const auto addresses = answeredAddresses(group, application);
    TRY_VOID(publisher_.verify(group.address, addresses));
    return JsonObject{
        {"serial", serial},
        {"detail", group.address + " answers " + addresses.front() + ", serial " + std::to_string(serial)}};
}

// What is wanted follows from the run alone, so that it may be said any number of times.
Result<Json> ControllerVerbs::publishElsewhere(const run::Run& run, const Json&) {
    Group group = TRY(groupFromJson(TRY(store::getOrFail(store_, "group", run.group)).body));
    if (group.epoch != run.epoch)
        return fail(ErrorCode::EpochOld, "the group has moved on to epoch " + std::to_string(group.epoch));
    if (!publications_) return fail(ErrorCode::Bug, "nothing is published elsewhere by this controller");
    const Json* to = memberAt(run.subject, "to");
    const Application application = TRY(applicationFromJson(to ? *to : Json(nullptr)));
    publications_->want(group, answeredAddresses(group, application));
    const size_t count = group.publications.size();
    return detail(std::to_string(count) + (count == 1 ? " publication begun" : " publications begun"));
}

Result<Json> ControllerVerbs::setTtlLowered(const run::Run& run, bool lowered) {
    const auto build = [&]() -> Result<store::Commit> {
        const store::Document document = TRY(store::getOrFail(store_, "group", run.group));
        Group group = TRY(groupFromJson(document.body));
        store::Commit commit;
        if ((group.ttlLoweredAt != 0) == lowered) return commit;  // done before
        group.ttlLoweredAt = lowered ? clock_.now() : 0;
        commit.puts.push_back({"group", group.name, document.version, toJson(group)});
        commit.events.push_back(
            {"group.ttl", "group/" + group.name, run.actor, JsonObject{{"ttl", group.answeredTtl()}, {"run", run.id}}});
        return commit;
    };
    TRY(store::commitWithRetry(store_, build));
    TRY(publisher_.publishGroup(store_, run.group));
    const Group group = TRY(groupFromJson(TRY(store::getOrFail(store_, "group", run.group)).body));
    if (publications_ && !group.publications.empty()) {
        const auto current = TRY(store::getOrFail(store_, "application", group.current));
        const Json* definition = memberAt(current.body, "definition");
        const Application application = TRY(applicationFromJson(definition ? *definition : Json(nullptr)));
        publications_->want(group, answeredAddresses(group, application));
    }
    return detail("TTL " + std::to_string(group.answeredTtl()) + " s" +
                  (lowered ? ", safe from " + isoTime(group.ttlSafeAt()) : ""));
}

Result<Json> ControllerVerbs::lowerTtl(const run::Run& run, const Json&) {
    return setTtlLowered(run, true);
}

Result<Json> ControllerVerbs::restoreTtl(const run::Run& run, const Json&) {
    return setTtlLowered(run, false);
}

void ControllerVerbs::waitTtl(const run::Run& run, const std::string& commandId, const Done& done) {
    const auto document = store::getOrFail(store_, "group", run.group);
    const auto group = document ? groupFromJson(document->body) : Result<Group>(fail(document.error()));
    if (!group) return done(fail(group.error()));
    {
        const std::lock_guard lock(waitingMutex_);
        waiting_[commandId] = done;
    }
    alarms_.set(commandId, group->ttlSafeAt(), [this, commandId, ttl = group->ttl] {
        Done ring;
        {
            const std::lock_guard lock(waitingMutex_);
            const auto found = waiting_.find(commandId);
            if (found == waiting_.end()) return;
            ring = std::move(found->second);
            waiting_.erase(found);
        }
        ring(detail("no cache holds the usual TTL of " + std::to_string(ttl) + " s any more"));
    });
}

void ControllerVerbs::cancel(const std::string& commandId) {
    if (!alarms_.cancel(commandId)) return;
    Done ring;
    {
        const std::lock_guard lock(waitingMutex_);
        const auto found = waiting_.find(commandId);
        if (found == waiting_.end()) return;
        ring = std::move(found->second);
        waiting_.erase(found);
    }
    ring(fail(ErrorCode::NotDone, "the wait was given up"));
}

bool ControllerVerbs::performLater(std::string_view verb, const run::Run& run, const Json& args,
                                   const std::string& commandId, const Done& done) {
    if (verb == "controller.wait-ttl") {
        waitTtl(run, commandId, done);
        return true;
    }
    if (verb != "controller.confirm-elsewhere") return false;
    // After a restart nobody remembers what was wanted.
    if (auto wanted = publishElsewhere(run, args); !wanted)
        done(fail(wanted.error()));
    else
        publications_->confirm(run.group, run.epoch, done);
    return true;
}

Result<Json> ControllerVerbs::report(const run::Run& run, const Json&) {
    std::string sentence;
    if (run.writeOutageMs() >= 0)
        sentence = "write outage " + std::to_string(run.writeOutageMs()) + " ms, nothing lost; ";
    size_t skipped = 0;
    for (const run::Step& step : run.steps) skipped += step.state == run::StepState::skipped;
    sentence += skipped ? std::to_string(skipped) + " steps skipped" : "every step verified";
    return detail(sentence);
}

Result<Json> ControllerVerbs::signCertificates(const run::Run&, const Json& args) {
    JsonArray certificates;
    const Json* requests = memberAt(args, "requests");
    if (!requests || !requests->is_array()) return fail(ErrorCode::Bug, "no certificate requests");
    for (const Json& request : requests->get_array()) {
        const std::string host = textAt(request, "host");
        crypto::SignRequest server;
        server.commonName = host;
        (isIpAddress(host) ? server.ipAddresses : server.dnsNames).push_back(host);
        server.usage = crypto::CertificateUsage::server;
        server.lifetimeHours = databaseCertificateHours;
        crypto::SignRequest client;
        client.commonName = "swingbridge_repl";  // the replication role: PostgreSQL compares the two
        client.usage = crypto::CertificateUsage::client;
        client.lifetimeHours = databaseCertificateHours;
        certificates.push_back(
            JsonObject{{"key", textAt(request, "key")},
                       {"serverCertificate", TRY(authority_.sign(textAt(request, "serverRequest"), server))},
                       {"clientCertificate", TRY(authority_.sign(textAt(request, "clientRequest"), client))}});
    }
    return JsonObject{{"authority", authority_.certificatePem()},
                      {"certificates", certificates},
                      {"detail", std::to_string(2 * certificates.size()) + " certificates signed"}};
}

Result<Json> ControllerVerbs::link(const run::Run& run, const Json&) {
    const Json* from = memberAt(run.subject, "from");
    const Application application = TRY(copyFromJson(from ? *from : Json(nullptr)));
    store::Commit commit;
    for (const std::string& name : databasesOf(run)) {
        const Link link{run.from, run.to, name, std::string(nameOf(application.databases.at(name).engine)),
                        clock_.now()};
        commit.puts.push_back({"link", link.id(), store::anyVersion, toJson(link)});
        commit.events.push_back({"link.created", "link/" + link.id(), run.actor, JsonObject{{"run", run.id}}});
    }
    TRY(store_.commit(commit));
    return detail(run.from + " → " + run.to);
}

Result<Json> ControllerVerbs::unlink(const run::Run& run, const Json&) {
    store::Commit commit;
    for (const std::string& name : databasesOf(run)) {
        const Link link{run.from, run.to, name, "", 0};
        commit.removes.push_back({"link", link.id(), store::anyVersion});
        commit.events.push_back({"link.removed", "link/" + link.id(), run.actor, JsonObject{{"run", run.id}}});
    }
    TRY(store_.commit(commit));
    return detail("no replication from " + run.from + " to " + run.to + " any more");
}

Result<Json> ControllerVerbs::forget(const run::Run& run, const Json&) {
    store::Commit commit;
    commit.removes.push_back({"application", run.to, store::anyVersion});
    for (const store::Document& secret : TRY(store_.list("secret")))
        if (secret.id.starts_with(run.to + "/")) commit.removes.push_back({"secret", secret.id, secret.version});
    commit.events.push_back({"application.deleted", "application/" + run.to, run.actor, JsonObject{{"run", run.id}}});
    TRY(store_.commit(commit));
    return detail(run.to + " is gone");
}

Result<JsonObject> ControllerVerbs::secretsOf(const std::string& application) {
    JsonObject out;
    for (const store::Document& document : TRY(store_.list("secret"))) {
        if (!document.id.starts_with(application + "/")) continue;
        const Secret secret = TRY(sealer_.unseal(textAt(document.body, "sealed"), document.id));
        out[document.id.substr(application.size() + 1)] = secret.reveal();
    }
    return out;
}

// The definition is the run's own: an apply sends what it has just stored, a switch what it was planned with.
Json ControllerVerbs::variablesOf(const run::Run& run, const std::string& name, const Fleet& fleet) {
    const auto links = linksIn(store_);
    if (!links) return nullptr;
    for (const char* key : {"to", "from", "owner"}) {
        const Json* definition = memberAt(run.subject, key);
        if (!definition || textAt(*definition, "application") != name) continue;
        const auto application = applicationFromJson(*definition);
        if (!application) return nullptr;
        const auto facts = [&](const Application& copy, const std::string& database) -> Json {
            // Just seeded and seen streaming: the next telemetry will say so.
            if (copy.name == run.to)
                return JsonObject{{"reachable", true}, {"role", "replica"}, {"receiverStatus", "streaming"}};
            return factsFrom(fleet)(copy, database);
        };
        // While the applications change their roles, their replicas' streams are cut for a moment.
        const auto members = run.kind == "switch" ? plan::Members::running : plan::Members::streaming;
        const auto replicas = plan::replicaAddresses(*application, *links, facts, members);
        const std::lock_guard lock(toldMutex_);
        told_[name] = replicas;
        return plan::environmentVariables(*application, replicas);
    }
    return nullptr;
}

std::optional<plan::ReplicaAddresses> ControllerVerbs::told(const std::string& application) const {
    const std::lock_guard lock(toldMutex_);
    const auto found = told_.find(application);
    return found == told_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace swb::dispatch
