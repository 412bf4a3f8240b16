#include "driver/redis/settings.h"

#include "driver/redis/dialect.h"

namespace swb::driver::redis {

Result<void> changeSettings(Connection& connection, const Settings& settings, const Context& context) {
    if (settings.empty()) return {};
    const Release release = releaseOf(TRY(connection.info("server", context.deadline)));
    if (release.setsTogether()) {
        Command command = {"CONFIG", "SET"};
        for (const auto& [name, value] : settings) {
            command.push_back(name);
            command.push_back(value);
        }
        TRY(connection.call(command, context.deadline));
        return {};
    }
    for (const auto& [name, value] : settings) TRY(connection.call({"CONFIG", "SET", name, value}, context.deadline));
    return {};
}

Result<std::string> settingOf(Connection& connection, const std::string& name, const Context& context) {
    return TRY(connection.call({"CONFIG", "GET", name}, context.deadline)).valueOf(name).value_or("");
}

Result<void> keepMomentarySettings(Connection& connection, RoleFile& role, const Context& context) {
    for (const char* name : momentarySettings) role.set(name, TRY(settingOf(connection, name, context)));
    return {};
}

Settings lastingValues(const RoleFile& role) {
    Settings settings;
    for (const char* name : momentarySettings)
        if (const auto value = role.get(name)) settings.emplace_back(name, *value);
    return settings;
}

}  // namespace swb::driver::redis
