#include "dispatch/inspector.h"

#include <chrono>
#include <set>

#include "base/ids.h"
#include "model/copy.h"

namespace swb::dispatch {
namespace {

Json unreachable(const Error& error) {
    return JsonObject{{"running", nullptr}, {"reachable", false}, {"role", "unknown"}, {"error", error.message}};
}

Json peerOf(const Application& other, const std::string& database) {
    const HostPort& address = other.databases.at(database).replicationAddress();
    return JsonObject{{"application", other.name}, {"host", address.host}, {"port", address.port}};
}

}  // namespace

Result<Application> loadCopy(const store::Store& store, const std::string& name) {
    const Json body = TRY(store::getOrFail(store, "application", ownerOf(name))).body;
    const Json* definition = memberAt(body, "definition");
    const Application owner = TRY(applicationFromJson(definition ? *definition : Json(nullptr)));
    if (auto copy = copyOf(owner, name)) return std::move(*copy);
    return fail(ErrorCode::NotFound, owner.name + " has no replicas called " + name.substr(owner.name.size() + 1),
                "add them to its definition: databases.NAME.replicas");
}

Inspector::Inspector(const store::Store& store, Fleet& fleet, const Clock& clock)
    : store_(store), fleet_(fleet), clock_(clock) {
    FleetListener listener;
    listener.message = [this](const std::string& server, const link::Message& message) { onMessage(server, message); };
    fleet_.addListener(std::move(listener));
}

void Inspector::onMessage(const std::string&, const link::Message& message) {
    const auto* outcome = std::get_if<link::Outcome>(&message);
    if (!outcome) return;
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(outcome->id);
    if (found == waiting_.end()) return;
    found->second = *outcome;
    answered_.notify_all();
}

std::vector<Inspector::Question> Inspector::questionsFor(const plan::Snapshot& snapshot) const {
    std::vector<Question> questions;
    const auto ask = [&](const Application& application, const Application* other) {
        for (const auto& [name, spec] : application.databases) {
            JsonObject args{{"database", toJson(spec)}};
            if (other && other->databases.count(name)) args["peer"] = peerOf(*other, name);
            const std::string key = application.name + "/" + name;
            questions.push_back(
                {newId("q"), spec.server, "database.inspect", args,
                 [key](plan::Snapshot& out, const Json& result) { out.databases[key] = result; },
                 [key](plan::Snapshot& out, const Error& error) { out.databases[key] = unreachable(error); }});
        }
        for (const WebSpec& web : application.web) {
            const std::string key = application.name + "/" + web.address;
            questions.push_back({newId("q"), web.server, "maintenance.inspect",
                                 JsonObject{{"application", application.name}, {"web", JsonArray{toJson(web)}}},
                                 [key](plan::Snapshot& out, const Json& result) {
                                     const Json* fronts = memberAt(result, "fronts");
                                     if (fronts && fronts->is_array() && !fronts->get_array().empty())
                                         out.fronts[key] = fronts->get_array().front();
                                 },
                                 [key](plan::Snapshot& out, const Error& error) {
                                     out.fronts[key] = JsonObject{{"status", 0}, {"error", error.message}};
                                 }});
        }
    };
    if (snapshot.from) ask(*snapshot.from, snapshot.to ? &*snapshot.to : nullptr);
    if (snapshot.to && (!snapshot.from || snapshot.from->name != snapshot.to->name))
        ask(*snapshot.to, snapshot.from ? &*snapshot.from : nullptr);
    return questions;
}

void Inspector::addTelemetry(plan::Snapshot& snapshot, const Application& application) const {
    for (const std::string& server : application.servers()) {
        snapshot.agents[server] = fleet_.view(server);
        const Json facts = fleet_.facts(server);
        const Json* processes = memberAt(facts, "processes");
        if (!processes || !processes->is_object()) continue;
        for (const auto& [name, spec] : application.processes) {
            const std::string key = application.name + "/" + name;
            if (const Json* state = processes->get_object().if_contains(key)) snapshot.processes[key] = *state;
        }
    }
}

// From telemetry, however old: nobody waits for a replica inside an application.
void Inspector::addInside(plan::Snapshot& snapshot, const Application& application) const {
    for (const Application& copy : copiesInside(application)) {
        for (const auto& [name, spec] : copy.databases) {
            const std::string key = copy.name + "/" + name;
            if (snapshot.databases.count(key) || !fleet_.connected(spec.server)) continue;
            const Json facts = fleet_.facts(spec.server);
            const Json* databases = memberAt(facts, "databases");
            if (const Json* found = databases ? memberAt(*databases, key) : nullptr) snapshot.databases[key] = *found;
        }
    }
}

void Inspector::addFacts(plan::Snapshot& snapshot) {
    snapshot.at = clock_.now();
    snapshot.dnsServing = dnsServing_;
    if (publications_) snapshot.publications = publications_->views(snapshot.group);
    if (secondaries_) snapshot.secondaries = secondaries_->ofAddress(snapshot.group.address);
    if (const auto tested = store_.get("address-test", snapshot.group.name); tested && *tested)
        snapshot.address = (*tested)->body;
    if (snapshot.from) addTelemetry(snapshot, *snapshot.from);
    if (snapshot.to) addTelemetry(snapshot, *snapshot.to);
    for (const auto* application : {&snapshot.from, &snapshot.to, &snapshot.owner})
        if (*application) addInside(snapshot, **application);
    const std::vector<Question> questions = questionsFor(snapshot);
    {
        const std::lock_guard lock(mutex_);
        for (const Question& question : questions) waiting_[question.id] = std::nullopt;
    }
    std::map<std::string, bool> sent;
    for (const Question& question : questions) {
        link::Command command;
        command.id = question.id;
        command.verb = question.verb;
        command.args = question.args;
        command.deadlineMs = answerMs;
        sent[question.id] = fleet_.send(question.server, command);
    }
    std::unique_lock lock(mutex_);
    answered_.wait_for(lock, std::chrono::milliseconds(answerMs + 300), [&] {
        for (const Question& question : questions)
            if (sent[question.id] && !waiting_[question.id]) return false;
        return true;
    });
    for (const Question& question : questions) {
        const auto outcome = waiting_[question.id];
        waiting_.erase(question.id);
        if (outcome && outcome->status == link::OutcomeStatus::done)
            question.put(snapshot, outcome->result);
        else if (outcome)
            question.putError(snapshot,
                              outcome->error.value_or(Error(ErrorCode::OutcomeUnknown, "the agent cannot tell")));
        else
            question.putError(snapshot, sent[question.id]
                                            ? Error(ErrorCode::DeadlineExceeded, "the agent did not answer in time")
                                            : Error(ErrorCode::AgentMissing,
                                                    "the agent of " + question.server + " is not connected"));
    }
}

Result<void> Inspector::addDocuments(plan::Snapshot& snapshot) const {
    for (const store::Document& document : TRY(store_.list("group")))
        snapshot.groups.push_back(TRY(groupFromJson(document.body)));
    for (const store::Document& document : TRY(store_.list("link")))
        snapshot.links.push_back(TRY(linkFromJson(document.body)));
    return {};
}

Result<plan::Snapshot> Inspector::ofGroup(const std::string& name, const std::string& to, bool withFacts) {
    plan::Snapshot snapshot;
    snapshot.at = clock_.now();
    snapshot.group = TRY(groupFromJson(TRY(store::getOrFail(store_, "group", name)).body));
    const Group& group = snapshot.group;
    const std::string target = to.empty() ? group.standby() : to;
    if (!to.empty() && to != group.primary && to != group.secondary)
        return fail(
            ErrorCode::NotFound, to + " is not an application of the group " + name,
            "its applications are " + group.primary + (group.secondary.empty() ? "" : " and " + group.secondary));
    const auto load = [&](const std::string& application) -> Result<std::optional<Application>> {
        if (application.empty()) return std::optional<Application>();
        const Json body = TRY(store::getOrFail(store_, "application", application)).body;
        return std::optional<Application>(TRY(applicationFromJson(*memberAt(body, "definition"))));
    };
    snapshot.from = TRY(load(group.current));
    snapshot.to = TRY(load(target));
    TRY_VOID(addDocuments(snapshot));
    if (withFacts) addFacts(snapshot);
    return snapshot;
}

Result<plan::Snapshot> Inspector::ofApplications(const std::string& from, const std::string& to, bool withFacts) {
    plan::Snapshot snapshot;
    snapshot.at = clock_.now();
    snapshot.to = TRY(loadCopy(store_, to));
    if (!from.empty()) snapshot.from = TRY(loadCopy(store_, from));
    if (isInside(to)) snapshot.owner = TRY(loadCopy(store_, ownerOf(to)));
    TRY_VOID(addDocuments(snapshot));
    std::set<std::string> followers;
    for (const Link& link : snapshot.links)
        if (link.from == to) followers.insert(link.to);
    for (const std::string& follower : followers)
        if (auto copy = loadCopy(store_, follower)) snapshot.followers.push_back(std::move(*copy));
    for (const Group& group : snapshot.groups) {
        if (group.primary != to && group.secondary != to) continue;
        snapshot.group = group;
        const std::string peer = group.primary == to ? group.secondary : group.primary;
        if (!snapshot.from && !peer.empty()) snapshot.from = TRY(loadCopy(store_, peer));
    }
    if (withFacts) addFacts(snapshot);
    return snapshot;
}

}  // namespace swb::dispatch
