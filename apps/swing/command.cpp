#include "swing/command.h"

namespace swb::swing {

std::string Arguments::text(std::string_view name, std::string_view fallback) const {
    const auto found = values_.find(name);
    return found == values_.end() || found->second.empty() ? std::string(fallback) : found->second.front();
}

int64_t Arguments::number(std::string_view name, int64_t fallback) const {
    const auto found = values_.find(name);
    return found == values_.end() || found->second.empty() ? fallback : std::stoll(found->second.front());
}

std::vector<std::string> Arguments::list(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::vector<Argument> withWaiting(std::vector<Argument> arguments) {
    using enum ArgumentKind;
    arguments.push_back({"--wait", flag, "wait for the run's end and report it"});
    arguments.push_back({"--no-wait", flag, "print the run's id and return at once"});
    arguments.push_back({"--timeout", number, "stop waiting after that time (the run goes on; exit 4); 0: never",
                         "SECONDS", false, 0, 1'000'000});
    return arguments;
}

std::vector<Command> allCommands() {
    std::vector<Command> all;
    for (const auto family :
         {statusCommands, siteCommands, serverCommands, applicationCommands, secretCommands, maintenanceCommands,
          replicationCommands, databaseCommands, groupCommands, switchCommands, publicationCommands, zoneCommands,
          dnssecCommands, runCommands, eventCommands, tokenCommands})
        for (Command& command : family()) all.push_back(std::move(command));
    return all;
}

std::vector<CommandGroup> commandGroups() {
    return {{"site", "sites: cloud regions, vendors or data centres"},
            {"server", "servers, each with one agent"},
            {"app", "applications: one code base deployed at one site"},
            {"app secret", "secrets in an application's environment"},
            {"maintenance", "maintenance mode of an application"},
            {"replication", "database replication between two applications"},
            {"database", "single databases"},
            {"group", "failover groups and their switches"},
            {"zone", "zones that the controller answers"},
            {"zone dnssec", "a zone's signatures and keys"},
            {"record", "a zone's own records, beside the failover addresses"},
            {"publication", "names in zones of other DNS providers that follow a group"},
            {"publication credential", "what the providers ask for"},
            {"run", "runs: what was done, is being done, and how to steer it"},
            {"event", "the event log"},
            {"token", "API tokens"}};
}

}  // namespace swb::swing
