#include "agent/boot_guard.h"

#include <set>

#include "base/file.h"
#include "base/ids.h"
#include "model/copy.h"

namespace swb::agent {

Json toJson(const BootGuard& guard) {
    return JsonObject{{"group", guard.group},
                      {"epoch", guard.epoch},
                      {"role", guard.role},
                      {"fenced", guard.fenced},
                      {"at", guard.at}};
}

Result<BootGuard> bootGuardFromJson(const Json& value) {
    JsonReader reader(value, "guard");
    reader.allowUnknown();
    BootGuard guard;
    guard.group = reader.string("group", "");
    guard.epoch = reader.integer("epoch");
    guard.role = reader.string("role");
    guard.fenced = reader.boolean("fenced", false);
    guard.at = reader.integer("at", 0);
    if (guard.epoch < 0) reader.problem("epoch", "must not be negative");
    if (guard.role != "primary" && guard.role != "replica") reader.problem("role", "must be primary or replica");
    TRY_VOID(reader.finish());
    return guard;
}

namespace {

constexpr const char* nextSuffix = ".next";

std::string textOf(const BootGuard& guard) {
    return toText(toJson(guard)) + "\n";
}

}  // namespace

std::string BootGuards::path(const DatabaseKey& key) const {
    return directory_ + "/" + key.application + "/" + key.database + ".json";
}

Result<std::optional<BootGuard>> BootGuards::read(const DatabaseKey& key) const {
    auto text = readFile(path(key), 64 << 10);
    if (!text && text.error().code == ErrorCode::NotFound) return std::optional<BootGuard>();
    if (!text) return fail(text.error());
    const auto value = parseJson(*text);
    auto guard = value ? bootGuardFromJson(*value) : Result<BootGuard>(fail(value.error()));
    if (!guard)
        return fail(ErrorCode::GuardRefused,
                    "the boot guard " + path(key) + " cannot be read: " + guard.error().message,
                    "the database stays as it is until the guard is written again by a run");
    return std::optional(*guard);
}

Result<void> BootGuards::checkNotNewer(const DatabaseKey& key, const BootGuard& guard) const {
    // An unreadable guard may be replaced: the verb that writes has been fenced by its epoch.
    const auto present = read(key);
    if (present && *present && (*present)->group == guard.group && (*present)->epoch > guard.epoch)
        return fail(ErrorCode::EpochOld, "the boot guard of " + key.text() + " is of epoch " +
                                             std::to_string((*present)->epoch) + ", the command of " +
                                             std::to_string(guard.epoch));
    return {};
}

Result<void> BootGuards::verify(const DatabaseKey& key, const BootGuard& guard) const {
    if (TRY(readFile(path(key), 64 << 10)) == textOf(guard)) return {};
    return fail(ErrorCode::VerificationFailed, "the boot guard of " + key.text() + " does not read back as written");
}

Result<void> BootGuards::write(const DatabaseKey& key, const BootGuard& guard) {
    TRY_VOID(checkNotNewer(key, guard));
    return store(key, guard);
}

Result<void> BootGuards::store(const DatabaseKey& key, const BootGuard& guard) {
    TRY_VOID(prepare(key, guard));
    TRY_VOID(replaceFile(path(key) + nextSuffix, path(key)));
    TRY_VOID(flushDirectoryOf(path(key)));
    return verify(key, guard);
}

Result<void> BootGuards::prepare(const DatabaseKey& key, const BootGuard& guard) {
    if (!isCopyName(key.application) || !isName(key.database))
        return fail(ErrorCode::InvalidInput, "no boot guard can be kept for " + key.text());
    TRY_VOID(makeDirectories(directory_ + "/" + key.application));
    return writeFlushed(path(key) + nextSuffix, textOf(guard));
}

Result<void> BootGuards::commit(const std::vector<DatabaseKey>& keys, const BootGuard& guard) {
    for (const auto& key : keys) TRY_VOID(checkNotNewer(key, guard));
    for (const auto& key : keys) TRY_VOID(replaceFile(path(key) + nextSuffix, path(key)));
    std::set<std::string> applications;  // one flush makes every name of a directory last
    for (const auto& key : keys)
        if (applications.insert(key.application).second) TRY_VOID(flushDirectoryOf(path(key)));
    for (const auto& key : keys) TRY_VOID(verify(key, guard));
    return {};
}

Result<void> BootGuards::restore(const DatabaseKey& key, const std::optional<BootGuard>& guard) {
    return guard ? store(key, *guard) : removeFile(path(key));
}

Json BootGuards::facts(const DatabaseKey& key) const {
    const auto guard = read(key);
    return guard && *guard ? toJson(**guard) : Json(nullptr);
}

}  // namespace swb::agent
