#include "agent/boot_guard.h"

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

Result<void> BootGuards::write(const DatabaseKey& key, const BootGuard& guard) {
    // An unreadable guard may be replaced: the verb that writes has been fenced by its epoch.
    const auto present = read(key);
    if (present && *present && (*present)->group == guard.group && (*present)->epoch > guard.epoch)
        return fail(ErrorCode::EpochOld, "the boot guard of " + key.text() + " is of epoch " +
                                             std::to_string((*present)->epoch) + ", the command of " +
                                             std::to_string(guard.epoch));
    return store(key, guard);
}

Result<void> BootGuards::store(const DatabaseKey& key, const BootGuard& guard) {
    if (!isCopyName(key.application) || !isName(key.database))
        return fail(ErrorCode::InvalidInput, "no boot guard can be kept for " + key.text());
    TRY_VOID(makeDirectories(directory_ + "/" + key.application));
    const std::string text = toText(toJson(guard)) + "\n";
    TRY_VOID(writeFileAtomically(path(key), text));
    if (TRY(readFile(path(key), 64 << 10)) != text)
        return fail(ErrorCode::VerificationFailed,
                    "the boot guard of " + key.text() + " does not read back as written");
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
