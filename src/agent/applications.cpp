#include "agent/applications.h"

#include <dirent.h>

#include "base/file.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "model/copy.h"

namespace swb::agent {
namespace {

constexpr size_t fileBytesMax = 4 << 20;

std::map<std::string, std::string> mapOf(const std::vector<std::pair<std::string, std::string>>& pairs) {
    return {pairs.begin(), pairs.end()};
}

JsonObject objectOf(const std::map<std::string, std::string>& values) {
    JsonObject out;
    for (const auto& [name, value] : values) out[name] = value;
    return out;
}

bool isVariableName(std::string_view name) {
    const auto allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    return !name.empty() && name.size() <= 128 && name.find_first_not_of(allowed) == std::string_view::npos &&
           !(name[0] >= '0' && name[0] <= '9');
}

Result<void> checkVariables(std::string_view what, const std::map<std::string, std::string>& values) {
    if (values.size() > limits::environmentVariables)
        return fail(ErrorCode::TooLarge,
                    std::string(what) + " has more than " + std::to_string(limits::environmentVariables) + " members");
    for (const auto& [name, value] : values) {
        if (!isVariableName(name))
            return fail(ErrorCode::InvalidInput, std::string(what) + " has a name that no variable can have");
        if (value.size() > limits::environmentValueBytes || value.find('\0') != std::string::npos)
            return fail(ErrorCode::InvalidInput, std::string(what) + "." + name + " is too long or has a zero byte");
    }
    return {};
}

Result<void> readParts(JsonReader& reader, LocalApplication& out) {
    if (const auto* processes = reader.object("processes")) {
        if (processes->size() > limits::processesPerApplication)
            return fail(ErrorCode::TooLarge, "the application has too many processes");
        for (const auto& member : *processes) {
            auto process = TRY(processFromJson(member.value(), member.key(), "processes." + std::string(member.key())));
            out.processes.emplace(member.key(), std::move(process));
        }
    }
    if (const auto* databases = reader.object("databases")) {
        if (databases->size() > limits::databasesPerApplication)
            return fail(ErrorCode::TooLarge, "the application has too many databases");
        for (const auto& member : *databases) {
            auto spec = TRY(databaseFromJson(member.value(), member.key(), "databases." + std::string(member.key())));
            out.databases.emplace(member.key(), std::move(spec));
        }
    }
    if (const auto* fronts = reader.array("web")) {
        if (fronts->size() > limits::serversPerApplication)
            return fail(ErrorCode::TooLarge, "the application has too many web fronts");
        for (const auto& element : *fronts) out.web.push_back(TRY(webFromJson(element)));
    }
    if (const Json* maintenance = reader.child("maintenance")) out.maintenance = TRY(maintenanceFromJson(*maintenance));
    return {};
}

// The kept document has the members of application.configure but secrets, and supervised and writers.
Result<LocalApplication> readApplication(const Json& document) {
    JsonReader reader(document);
    reader.allowUnknown();
    LocalApplication out;
    out.name = reader.string("application");
    out.environment = mapOf(reader.stringMap("environment"));
    out.variables = mapOf(reader.stringMap("variables"));
    out.failoverStatus = reader.string("failoverStatus", "");
    out.epoch = reader.integer("epoch", 0);
    out.role = reader.string("role", "");
    out.supervised = reader.boolean("supervised", false);
    out.writers = reader.boolean("writers", false);
    TRY_VOID(readParts(reader, out));
    TRY_VOID(reader.finish());
    TRY_VOID(checkedCopyName("application", out.name));
    TRY_VOID(checkVariables("environment", out.environment));
    TRY_VOID(checkVariables("variables", out.variables));
    return out;
}

Result<std::map<std::string, Secret>> readSecrets(const Json& value) {
    std::map<std::string, std::string> plain;
    for (const auto& member : value.as_object()) {
        // Never quote a value here: errors are shown and recorded.
        if (!member.value().is_string())
            return fail(ErrorCode::InvalidInput, "secrets." + std::string(member.key()) + " must be a string");
        plain.emplace(member.key(), member.value().get_string());
    }
    TRY_VOID(checkVariables("secrets", plain));
    std::map<std::string, Secret> secrets;
    for (auto& [name, text] : plain) secrets.emplace(name, Secret(std::move(text)));
    return secrets;
}

// Two descriptions of one service: where its data is decides.
bool sameDatabase(const DatabaseSpec& left, const DatabaseSpec& right) {
    if (left.name != right.name || left.engine != right.engine) return false;
    return left.service.data == right.service.data && left.service.unit == right.service.unit &&
           left.address == right.address;
}

}  // namespace

std::map<std::string, std::string> LocalApplication::commonEnvironment() const {
    ProcessSpec none;
    return environmentOf(none);
}

std::map<std::string, std::string> LocalApplication::environmentOf(const ProcessSpec& process) const {
    std::map<std::string, std::string> merged = environment;
    for (const auto& [key, value] : process.environment) merged[key] = value;
    for (const auto& [key, value] : variables) merged[key] = value;
    for (const auto& [key, value] : secrets) merged[key] = value.reveal();
    if (!failoverStatus.empty()) merged["FAILOVER_STATUS"] = failoverStatus;
    return merged;
}

Result<void> Applications::load() {
    TRY_VOID(makeDirectories(directory_));
    std::vector<std::string> names;
    DIR* directory = ::opendir(directory_.c_str());
    if (!directory) return fail(ErrorCode::StorageFailed, "cannot read " + directory_);
    while (const dirent* entry = ::readdir(directory)) {
        const std::string_view file = entry->d_name;
        if (file.ends_with(".json")) names.emplace_back(file.substr(0, file.size() - 5));
    }
    ::closedir(directory);
    const std::lock_guard guard(mutex_);
    for (const auto& name : names)
        if (auto loaded = loadOne(name); !loaded)
            logError("applications", "{} is left out: {}", path(name), describe(loaded.error()));
    return {};
}

Result<void> Applications::loadOne(const std::string& name) {
    const std::string text = TRY(readFile(path(name), fileBytesMax));
    const Json document = TRY(parseJson(text, fileBytesMax));
    LocalApplication application = TRY(readApplication(document));
    if (fileExists(secretsPath(name))) {
        const std::string secretsText = TRY(readFile(secretsPath(name), fileBytesMax));
        const Json secrets = TRY(parseJson(secretsText, fileBytesMax));
        if (!secrets.is_object()) return fail(ErrorCode::StorageFailed, secretsPath(name) + " is damaged");
        application.secrets = TRY(readSecrets(secrets));
    }
    kept_[name] = Kept{std::move(application), document};
    return {};
}

Result<LocalApplication> Applications::configure(const Json& arguments) {
    LocalApplication application = TRY(readApplication(arguments));
    const Json* secrets = memberAt(arguments, "secrets");
    if (secrets && !secrets->is_null() && !secrets->is_object())
        return fail(ErrorCode::InvalidInput, "secrets must be an object");
    if (secrets && secrets->is_object()) application.secrets = TRY(readSecrets(*secrets));

    const std::lock_guard guard(mutex_);
    const auto present = kept_.find(application.name);
    if (present != kept_.end()) {
        application.supervised = present->second.application.supervised;
        application.writers = present->second.application.writers;
        if (!secrets || secrets->is_null()) application.secrets = present->second.application.secrets;
    } else {
        application.supervised = application.writers = false;
    }
    if (secrets && secrets->is_object()) TRY_VOID(writeFileAtomically(secretsPath(application.name), toText(*secrets)));
    JsonObject document = arguments.as_object();
    document.erase("secrets");
    document["supervised"] = application.supervised;
    document["writers"] = application.writers;
    const std::string name = application.name;
    TRY_VOID(store(name, Kept{std::move(application), std::move(document)}));
    return kept_.at(name).application;
}

Result<void> Applications::store(const std::string& name, Kept kept) {
    TRY_VOID(writeFileAtomically(path(name), toText(kept.document)));
    kept_[name] = std::move(kept);
    return {};
}

Result<void> Applications::remove(const std::string& name) {
    const std::lock_guard guard(mutex_);
    TRY_VOID(checkedCopyName("application", name));
    TRY_VOID(removeFile(path(name)));
    TRY_VOID(removeFile(secretsPath(name)));
    kept_.erase(name);
    return {};
}

Result<LocalApplication> Applications::change(const std::string& name, const State& state) {
    const std::lock_guard guard(mutex_);
    const auto present = kept_.find(name);
    if (present == kept_.end())
        return fail(ErrorCode::NotFound, "application " + name + " was not configured on this server",
                    "`swing app apply` its definition");
    Kept changed = present->second;
    auto& application = changed.application;
    if (state.supervised) application.supervised = *state.supervised;
    if (state.writers) application.writers = *state.writers;
    if (state.failoverStatus) application.failoverStatus = *state.failoverStatus;
    if (state.variables) {
        TRY_VOID(checkVariables("variables", *state.variables));
        application.variables = *state.variables;
    }
    JsonObject& document = changed.document.as_object();
    document["supervised"] = application.supervised;
    document["writers"] = application.writers;
    document["failoverStatus"] = application.failoverStatus;
    document["variables"] = objectOf(application.variables);
    if (changed.document != present->second.document) TRY_VOID(store(name, std::move(changed)));
    return kept_.at(name).application;
}

Result<LocalApplication> Applications::get(const std::string& name) const {
    const std::lock_guard guard(mutex_);
    const auto present = kept_.find(name);
    if (present == kept_.end())
        return fail(ErrorCode::NotFound, "application " + name + " was not configured on this server",
                    "`swing app apply` its definition");
    return present->second.application;
}

std::vector<LocalApplication> Applications::all() const {
    const std::lock_guard guard(mutex_);
    std::vector<LocalApplication> found;
    for (const auto& [name, kept] : kept_) found.push_back(kept.application);
    return found;
}

DatabaseKey Applications::keyOf(const DatabaseSpec& spec) const {
    const std::lock_guard guard(mutex_);
    for (const auto& [name, kept] : kept_)
        for (const auto& [databaseName, candidate] : kept.application.databases)
            if (sameDatabase(candidate, spec)) return DatabaseKey{name, databaseName};
    const std::string where = spec.service.data + "\n" + spec.service.unit + "\n" + spec.address.text();
    return DatabaseKey{"unassigned-" + crypto::sha256Hex(where).substr(0, 16), spec.name};
}

}  // namespace swb::agent
