// The manual page and the tables name the same commands and options.
#include <regex>
#include <set>

#include "swing/command.h"
#include "swing/program_test_support.h"

namespace swb::swing::test {
namespace {

bool isWaitingOption(std::string_view name) {
    return name == "--wait" || name == "--no-wait" || name == "--timeout";
}

// Options by command, from the lines ".It Cm group switch Ar NAME Oo Fl -to Ar APP Oc …".
std::map<std::string, std::set<std::string>> manualCommands() {
    const std::string text = readFile(SWING_MANUAL).value();
    const std::regex heading("\\.It Cm ([a-z ]*[a-z])([^\\n]*)\\n"), option("Fl -([a-z-]+)");
    std::map<std::string, std::set<std::string>> commands;
    for (std::sregex_iterator match(text.begin(), text.end(), heading), end; match != end; ++match) {
        auto& options = commands[(*match)[1]];
        const std::string rest = (*match)[2];
        for (std::sregex_iterator found(rest.begin(), rest.end(), option); found != end; ++found)
            options.insert("--" + (*found)[1].str());
    }
    // The lab has tables of its own (src/lab/command.cpp).
    std::erase_if(commands, [](const auto& command) { return command.first.starts_with("lab "); });
    return commands;
}

TEST(SwingManual, NamesEveryCommandAndOption) {
    std::map<std::string, std::set<std::string>> tables;
    for (const Command& command : allCommands()) {
        auto& options = tables[std::string(command.path)];
        for (const Argument& argument : command.arguments)
            if (argument.name.starts_with("--") && !isWaitingOption(argument.name))
                options.insert(std::string(argument.name));
    }
    EXPECT_EQ(manualCommands(), tables);
}

TEST(SwingManual, EveryCommandExplainsItself) {
    std::set<std::string_view> groups;
    for (const CommandGroup& group : commandGroups()) groups.insert(group.path);
    for (const Command& command : allCommands()) {
        EXPECT_FALSE(command.summary.empty()) << command.path;
        EXPECT_EQ(command.examples.find("swing " + std::string(command.path)) != std::string_view::npos, true)
            << command.path << " has no example of itself";
        for (const Argument& argument : command.arguments) EXPECT_FALSE(argument.help.empty()) << command.path;
        if (const size_t space = command.path.rfind(' '); space != std::string_view::npos)
            EXPECT_TRUE(groups.contains(command.path.substr(0, space))) << command.path;
    }
}

}  // namespace
}  // namespace swb::swing::test
