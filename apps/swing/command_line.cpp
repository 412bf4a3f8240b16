#include "swing/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <sstream>

#include "swing/context.h"
#include "swing/format.h"
#ifdef SWING_WITH_LAB
#include "swing/lab.h"
#endif

namespace swb::swing {
namespace {

constexpr const char* rootText =
    "swing talks to a Swingbridge controller: it fails whole applications over between sites.";
constexpr const char* rootFooter =
    "Examples:\n"
    "  swing status\n"
    "  swing group check shop\n"
    "  swing group switch shop\n"
    "  swing run list --json\n"
    "\n"
    "Settings come from flags, then SWING_URL, SWING_TOKEN or SWING_TOKEN_FILE, SWING_CA or SWING_CA_PIN, then\n"
    "~/.config/swingbridge/swing.yaml (url, token_file, ca, ca_pin).\n"
    "Exit codes: 0 done, 1 failed, 2 usage, 3 refused by a check, 4 outcome unknown.\n"
    "With --json stdout carries exactly one JSON document, errors included.";

std::string wrapped(std::string_view text) {
    constexpr size_t width = 100;
    std::string out, word;
    size_t column = 0;
    for (std::istringstream words{std::string(text)}; words >> word; column += word.size()) {
        if (column > 0) out += column + 1 + word.size() > width ? '\n' : ' ';
        column = column == 0 || out.back() == '\n' ? 0 : column + 1;
        out += word;
    }
    return out;
}

// One parser made of the tables, and the options as it found them.
class CommandLine {
  public:
    CommandLine() : root_(rootText, "swing"), commands_(allCommands()) {
        root_.require_subcommand(1);
        root_.fallthrough();
        root_.set_version_flag("--version", "swing " SWB_VERSION, "print the version");
        root_.footer(rootFooter);
        root_.get_formatter()->column_width(28);
        root_.add_flag("--json", json_, "one JSON document on stdout");
        addText("--url", "the controller's address, https://HOST:PORT", "URL", url_);
        addText("--token", "API token: the text, @FILE, or - for stdin", "TOKEN", token_);
        addText("--ca", "certificate of the controller's authority (PEM)", "FILE", ca_);
        addText("--ca-pin", "SHA-256 fingerprint of that authority instead", "SHA256", caPin_);
        for (const Command& command : commands_) addCommand(command);
#ifdef SWING_WITH_LAB
        root_.add_subcommand("lab", "a two-site world on loopback, to try, rehearse and measure");
#endif
    }

    // CLI11 throws; nothing else here does.
    int run(std::vector<std::string> arguments) {
        const bool json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
        try {
            std::reverse(arguments.begin(), arguments.end());
            root_.parse(arguments);
        } catch (const CLI::ParseError& error) {
            if (error.get_exit_code() == 0) return root_.exit(error);  // help and version
            Output output(json);
            return output.error(Error(ErrorCode::InvalidInput, sentence(error), "see " + helpCommand()));
        }
        Output output(json_);
        Context context(output, flags());
        for (size_t i = 0; i < commands_.size(); ++i) {
            if (!parsers_[i]->parsed()) continue;
            auto code = commands_[i].run(context, argumentsOf(i));
            return code ? *code : output.error(code.error());
        }
        return output.error(Error(ErrorCode::InvalidInput, "no command was given", "see swing --help"));
    }

  private:
    void addText(const std::string& name, const std::string& help, const std::string& valueName,
                 std::optional<std::string>& target) {
        root_
            .add_option_function<std::string>(
                name, [&target](const std::string& text) { target = text; }, help)
            ->type_name(valueName);
    }

    CLI::App* groupAt(const std::string& path) {
        CLI::App* parent = &root_;
        std::string word;
        std::string sofar;
        for (std::istringstream words(path); words >> word;) {
            sofar += (sofar.empty() ? "" : " ") + word;
            const auto same = parent->get_subcommands([&word](CLI::App* app) { return app->get_name() == word; });
            CLI::App* next = same.empty() ? nullptr : same.front();
            if (!next) {
                next = parent->add_subcommand(word, summaryOf(sofar));
                next->require_subcommand(1);
                next->footer("Each of them explains itself: swing " + sofar + " COMMAND --help");
            }
            parent = next;
        }
        return parent;
    }

    static std::string summaryOf(std::string_view path) {
        for (const CommandGroup& group : commandGroups())
            if (group.path == path) return std::string(group.summary);
        return "";
    }

    void addCommand(const Command& command) {
        const std::string path(command.path);
        const size_t lastSpace = path.rfind(' ');
        CLI::App* parent = lastSpace == std::string::npos ? &root_ : groupAt(path.substr(0, lastSpace));
        CLI::App* parser = parent->add_subcommand(path.substr(lastSpace + 1), std::string(command.summary));
        std::string footer = command.text.empty() ? "" : wrapped(command.text) + "\n\n";
        footer += "Examples:\n";
        std::string line;
        for (std::istringstream lines{std::string(command.examples)}; std::getline(lines, line);)
            footer += "  " + line + "\n";
        footer += "\n--json, --url, --token, --ca and --ca-pin may be given with every command: see swing --help.";
        parser->footer(footer);
        auto& options = options_.emplace_back();
        for (const Argument& argument : command.arguments) options.push_back(addArgument(*parser, argument));
        excludeOpposites(*parser, command);
        parsers_.push_back(parser);
    }

    static CLI::Option* addArgument(CLI::App& parser, const Argument& argument) {
        const std::string name(argument.name), help(argument.help);
        if (argument.kind == ArgumentKind::flag) return parser.add_flag(name, help);
        CLI::Option* option =
            parser.add_option(name, CLI::callback_t([](const CLI::results_t&) { return true; }), help);
        option->type_name(std::string(argument.valueName));
        option->required(argument.required);
        if (argument.kind == ArgumentKind::values) option->expected(1, 64);
        if (argument.kind == ArgumentKind::number) {
            option->check(CLI::Range(argument.minimum, argument.maximum));
            option->type_name(std::string(argument.valueName));
        }
        return option;
    }

    // --wait and --no-wait, --protect and --no-protect, --prepare-ttl and --no-ttl contradict each other.
    static void excludeOpposites(CLI::App& parser, const Command& command) {
        for (const Argument& argument : command.arguments) {
            if (!argument.name.starts_with("--no-")) continue;
            const std::string name(argument.name);
            for (const std::string opposite : {"--", "--prepare-"})
                if (CLI::Option* other = parser.get_option_no_throw(opposite + name.substr(5)))
                    parser.get_option(name)->excludes(other);
        }
    }

    Arguments argumentsOf(size_t index) const {
        Arguments arguments{std::string(commands_[index].path)};
        for (size_t i = 0; i < options_[index].size(); ++i)
            if (options_[index][i]->count() > 0)
                arguments.set(commands_[index].arguments[i].name, options_[index][i]->results());
        return arguments;
    }

    ConnectionFlags flags() const {
        return {url_, token_, ca_, caPin_};
    }

    // The deepest command that was recognised.
    const CLI::App* deepest(std::string& path) const {
        const CLI::App* app = &root_;
        path = "swing";
        while (!app->get_subcommands().empty()) {
            app = app->get_subcommands().front();
            path += " " + app->get_name();
        }
        return app;
    }

    std::string helpCommand() const {
        std::string path;
        deepest(path);
        return path + " --help";
    }

    std::string sentence(const CLI::ParseError& error) const {
        std::string path, text = error.what();
        const std::vector<std::string> unknown = deepest(path)->remaining();
        if (error.get_name() == "RequiredError" && !unknown.empty())
            return "`" + path + "` has no command `" + printable(unknown.front()) + "`";
        std::replace(text.begin(), text.end(), '\n', ' ');
        return printable(text);
    }

    CLI::App root_;
    std::vector<Command> commands_;
    std::vector<CLI::App*> parsers_;
    std::vector<std::vector<CLI::Option*>> options_;
    bool json_ = false;
    std::optional<std::string> url_, token_, ca_, caPin_;
};

}  // namespace

int runCommandLine(const std::vector<std::string>& arguments) {
#ifdef SWING_WITH_LAB
    // Everything behind `lab` is the lab's, its --json and --help too.
    if (!arguments.empty() && arguments.front() == "lab") return labCommand({arguments.begin() + 1, arguments.end()});
#endif
    return CommandLine().run(arguments);
}

}  // namespace swb::swing
