// The commands of `swing` as tables. Each family (site, app, group, …) is one file with one table; command_line.cpp
// turns the tables into a parser and help texts, and a test compares them with the manual page.
//
//     argv → command_line (CLI11) → Arguments → Command::run(Context) → ApiClient → controller
//                                                        └→ Output: table, report or one JSON document
//
// A command function asks the API, prints, and returns the exit code; an error it returns is printed for it. It never
// decides what the controller should decide, keeps no state, and never puts a secret on an argument list.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace swb::swing {

class Context;

enum class ArgumentKind { positional, value, values, number, flag };

struct Argument {
    std::string_view name;  // "APP" of a positional, "--reason" of an option
    ArgumentKind kind;
    std::string_view help;
    std::string_view valueName = {};  // of options with a value: "APP"
    bool required = false;
    int64_t minimum = 0, maximum = 0;  // of numbers
};

// What the user gave, by Argument::name.
class Arguments {
  public:
    explicit Arguments(std::string path = {}) : path_(std::move(path)) {}

    void set(std::string_view name, std::vector<std::string> values) { values_[std::string(name)] = std::move(values); }
    bool has(std::string_view name) const { return values_.contains(name); }
    std::string text(std::string_view name, std::string_view fallback = {}) const;
    int64_t number(std::string_view name, int64_t fallback = 0) const;  // the parser has checked that it is one
    std::vector<std::string> list(std::string_view name) const;
    const std::string& path() const { return path_; }  // "run pause"
    std::string lastWord() const { return path_.substr(path_.rfind(' ') + 1); }

  private:
    std::string path_;
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

struct Command {
    std::string_view path;     // "group switch"
    std::string_view summary;  // one line, in lists
    std::string_view text;     // further sentences, in its own help
    std::string_view examples;
    std::vector<Argument> arguments;
    Result<int> (*run)(Context& context, const Arguments& arguments);
};

// Options of every command that starts a run, to append to its own.
std::vector<Argument> withWaiting(std::vector<Argument> arguments);

std::vector<Command> siteCommands();
std::vector<Command> serverCommands();
std::vector<Command> applicationCommands();
std::vector<Command> secretCommands();
std::vector<Command> maintenanceCommands();
std::vector<Command> replicationCommands();
std::vector<Command> databaseCommands();
std::vector<Command> groupCommands();
std::vector<Command> switchCommands();
std::vector<Command> dnssecCommands();
std::vector<Command> zoneCommands();
std::vector<Command> publicationCommands();
std::vector<Command> runCommands();
std::vector<Command> eventCommands();
std::vector<Command> tokenCommands();
std::vector<Command> statusCommands();

// All of them, in the order of the help.
std::vector<Command> allCommands();

struct CommandGroup {
    std::string_view path;  // "app secret"
    std::string_view summary;
};
std::vector<CommandGroup> commandGroups();

}  // namespace swb::swing
