#include "step/kind.h"

namespace swb::step {
namespace {

Commands forBothSides(const Run& run, std::string_view verb, int64_t deadlineMs,
                      void (*add)(const Run&, const std::string& key, JsonObject& args)) {
    const Subject subject = subjectOf(run);
    Commands commands;
    for (const Application* application : {&subject.from, &subject.to})
        for (const std::string& name : subject.databases) {
            const DatabaseSpec& spec = application->databases.at(name);
            JsonObject args{{"database", toJson(spec)}};
            const std::string key = keyOf(*application, name);
            if (add) add(run, key, args);
            commands.push_back({key, spec.server, std::string(verb), args, deadlineMs});
        }
    return commands;
}

Commands request(const Run& run, const Step&) {
    return forBothSides(run, "database.certificate-request", 30'000, nullptr);
}

// The controller decides the names in a certificate: they come from the definition, never from the request.
Commands sign(const Run& run, const Step&) {
    const Subject subject = subjectOf(run);
    const Step* requests = run.find("request-certificates");
    JsonArray entries;
    for (const Application* application : {&subject.from, &subject.to})
        for (const std::string& name : subject.databases) {
            const std::string key = keyOf(*application, name);
            const Json* made = requests ? run::resultOf(*requests, key) : nullptr;
            entries.push_back(JsonObject{{"key", key},
                                         {"host", application->databases.at(name).replicationAddress().host},
                                         {"serverRequest", made ? textAt(*made, "serverRequest") : ""},
                                         {"clientRequest", made ? textAt(*made, "clientRequest") : ""}});
        }
    return {{"controller", "", "controller.sign-certificates", JsonObject{{"requests", entries}}, 10'000}};
}

void addCertificates(const Run& run, const std::string& key, JsonObject& args) {
    const Step* signedStep = run.find("sign-certificates");
    const Json* result = signedStep ? run::resultOf(*signedStep, "controller") : nullptr;
    if (!result) return;
    args["authority"] = textAt(*result, "authority");
    if (const Json* list = memberAt(*result, "certificates"); list && list->is_array())
        for (const Json& entry : list->get_array())
            if (textAt(entry, "key") == key) {
                args["serverCertificate"] = textAt(entry, "serverCertificate");
                args["clientCertificate"] = textAt(entry, "clientCertificate");
            }
}

Commands install(const Run& run, const Step&) {
    return forBothSides(run, "database.install-certificates", 30'000, addCertificates);
}

}  // namespace

std::unique_ptr<run::StepKind> requestCertificatesStep() {
    return kind("request-certificates", request);
}
std::unique_ptr<run::StepKind> signCertificatesStep() {
    return kind("sign-certificates", sign);
}
std::unique_ptr<run::StepKind> installCertificatesStep() {
    return kind("install-certificates", install);
}

}  // namespace swb::step
