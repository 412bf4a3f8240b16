#include "lab/client.h"

#include <unistd.h>

#include "driver/support/program.h"

namespace swb::lab {
namespace {

// A run that failed is a whole document: the error of its first step that has one.
std::optional<Error> errorOfRun(const Json& value) {
    const Json* inner = memberAt(value, "run");
    const Json& run = inner && inner->is_object() ? *inner : value;
    const Json* steps = memberAt(run, "steps");
    if (!steps || !steps->is_array()) return std::nullopt;
    for (const Json& step : steps->as_array())
        if (const Json* error = memberAt(step, "error"); error && error->is_object())
            return errorFromJson(*error).within("step " + textAt(step, "name") + " of run " + textAt(run, "id"));
    return std::nullopt;
}

}  // namespace

Result<Json> runProgramForJson(std::vector<std::string> argv, const std::string& input,
                               std::map<std::string, std::string> environment, int64_t timeoutMs, Refusal refusal) {
    driver::ProgramCall call;
    call.argv = std::move(argv);
    call.input = input;
    call.environment = std::move(environment);
    driver::Context context;
    context.deadline = SystemClock().monotonic() + timeoutMs;
    const auto outcome = TRY(driver::runProgram(call, context));
    const auto value = parseJson(outcome.output, 4 << 20);
    if (outcome.succeeded() && value) return *value;
    const Json* error = value ? memberAt(*value, "error") : nullptr;
    if (error && error->is_object()) return fail(errorFromJson(*error));
    if (outcome.succeeded()) return fail(ErrorCode::ProtocolViolation, call.argv[0] + " printed no document");
    if (value && refusal == Refusal::isAnAnswer && outcome.exitCode == 3) return *value;
    if (value)
        if (auto failure = errorOfRun(*value)) return fail(std::move(*failure));
    return fail(ErrorCode::CommandFailed, call.argv[0] + " ended with status " + std::to_string(outcome.exitCode) +
                                              ": " + outcome.errors.substr(0, 800));
}

Result<Json> swing(const World& world, std::vector<std::string> arguments, const std::string& input, int64_t timeoutMs,
                   Refusal refusal) {
    // The state file belongs to an unprivileged user: root runs nothing that it names, but this very program.
    const std::string program = ::geteuid() == 0 ? "/proc/self/exe" : world.programs + "/swing";
    std::vector<std::string> argv{program, "--json"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    auto answer = runProgramForJson(std::move(argv), input,
                                    {{"SWING_URL", world.url()},
                                     {"SWING_TOKEN_FILE", world.tokenFile()},
                                     {"SWING_CA", world.authorityFile()},
                                     {"XDG_CONFIG_HOME", world.directory}},
                                    timeoutMs, refusal);
    if (answer) return answer;
    std::string command = "swing";
    for (size_t i = 0; i < std::min<size_t>(2, arguments.size()); ++i) command += " " + arguments[i];
    return fail(answer.error().within(command));
}

}  // namespace swb::lab
