#include "step/kind.h"

#include "base/assert.h"

namespace swb::step {
namespace {

class FunctionKind final : public run::StepKind {
  public:
    FunctionKind(std::string_view name, ActFunction actFunction, VerifyFunction verifyFunction,
                 ActFunction undoFunction)
        : name_(name), act_(actFunction), verify_(verifyFunction), undo_(undoFunction) {}
    std::string_view name() const override { return name_; }
    Commands act(const Run& run, const Step& step) const override { return act_(run, step); }
    Result<Json> verify(const Run& run, const Step& step) const override { return verify_(run, step); }
    Commands undo(const Run& run, const Step& step) const override { return undo_(run, step); }

  private:
    std::string name_;
    ActFunction act_;
    VerifyFunction verify_;
    ActFunction undo_;
};

Application applicationIn(const Json& subject, std::string_view key) {
    const Json* value = memberAt(subject, key);
    if (!value) return {};
    auto application = copyFromJson(*value);
    SWB_ASSERT(application.has_value(), "a run's subject holds an application that was valid when it was planned");
    return std::move(*application);
}

}  // namespace

Commands nothing(const Run&, const Step&) {
    return {};
}

Result<Json> succeeded(const Run&, const Step& step) {
    std::string sentence;
    for (const run::CommandRecord& record : step.commands)
        if (!record.undo && record.attempt == step.attempts)
            if (const std::string said = textAt(record.result, "detail"); !said.empty())
                sentence += (sentence.empty() ? "" : "; ") + said;
    return detail(sentence);
}

std::unique_ptr<run::StepKind> kind(std::string_view name, ActFunction act, VerifyFunction verify, ActFunction undo) {
    return std::make_unique<FunctionKind>(name, act, verify, undo);
}

Subject subjectOf(const Run& run) {
    Subject subject;
    subject.from = applicationIn(run.subject, "from");
    subject.to = applicationIn(run.subject, "to");
    if (const Json* names = memberAt(run.subject, "databases"); names && names->is_array())
        for (const Json& name : names->get_array()) subject.databases.emplace_back(name.as_string());
    return subject;
}

std::map<std::string, std::vector<DatabaseSpec>> databasesByServer(const Application& application,
                                                                   const std::vector<std::string>& names) {
    std::map<std::string, std::vector<DatabaseSpec>> out;
    for (const std::string& name : names) {
        const DatabaseSpec& spec = application.databases.at(name);
        out[spec.server].push_back(spec);
    }
    return out;
}

std::map<std::string, std::vector<WebSpec>> frontsByServer(const Application& application) {
    std::map<std::string, std::vector<WebSpec>> out;
    for (const WebSpec& web : application.web) out[web.server].push_back(web);
    return out;
}

Json peerOf(const Application& other, const std::string& database) {
    const HostPort& address = other.databases.at(database).replicationAddress();
    JsonObject peer{{"application", other.name}, {"host", address.host}, {"port", address.port}};
    if (const auto& copy = other.databases.at(database).copy) peer["copy"] = copy->text();
    return peer;
}

// With what recognises its replication user, when this run asked for that.
Json peerWithVerifier(const Run& run, const Application& other, const std::string& database) {
    Json peer = peerOf(other, database);
    const Step* requests = run.find("request-certificates");
    const Json* made = requests ? run::resultOf(*requests, keyOf(other, database)) : nullptr;
    if (made && !textAt(*made, "verifier").empty()) peer.as_object()["verifier"] = textAt(*made, "verifier");
    return peer;
}

std::string keyOf(const Application& application, const std::string& database) {
    return database + "@" + application.name;
}

JsonArray toJsonArray(const std::vector<WebSpec>& fronts) {
    JsonArray out;
    for (const WebSpec& web : fronts) out.push_back(toJson(web));
    return out;
}

Commands prepareSourceCommands(const Run& run, const Application& source, const Application& replica,
                               const std::vector<std::string>& databases, const std::string& slot, int64_t deadlineMs) {
    Commands commands;
    for (const std::string& name : databases) {
        const DatabaseSpec& spec = source.databases.at(name);
        commands.push_back({keyOf(source, name), spec.server, "database.prepare-source",
                            JsonObject{{"database", toJson(spec)},
                                       {"application", source.name},
                                       {"peer", peerWithVerifier(run, replica, name)},
                                       {"slot", slot}},
                            deadlineMs});
    }
    return commands;
}

Commands endSwitch(const Subject& subject) {
    Commands commands;
    for (const Application* application : {&subject.from, &subject.to})
        for (const std::string& name : subject.databases) {
            const DatabaseSpec& spec = application->databases.at(name);
            commands.push_back({keyOf(*application, name), spec.server, "database.end-switch",
                                JsonObject{{"database", toJson(spec)}}, 30'000});
        }
    return commands;
}

Json guardOf(const Run& run, std::string_view role) {
    return JsonObject{{"group", run.group}, {"epoch", run.epoch}, {"role", role}};
}

Json tokenOf(const Run& run, const std::string& database) {
    const Step* fence = run.find("fence");
    if (!fence) return nullptr;
    for (auto record = fence->commands.rbegin(); record != fence->commands.rend(); ++record) {
        if (record->undo || record->state != run::CommandState::done) continue;
        const Json* tokens = memberAt(record->result, "tokens");
        if (!tokens || !tokens->is_array()) continue;
        for (const Json& token : tokens->get_array())
            if (textAt(token, "database") == database) return token;
    }
    return nullptr;
}

}  // namespace swb::step
