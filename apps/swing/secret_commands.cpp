// swing app secret set|list|delete. A value comes from a file, stdin, or a prompt without echo: never from an argument,
// where the process list and the shell's history would show it.
#include "base/file.h"
#include "base/limits.h"
#include "swing/context.h"
#include "swing/format.h"
#include "swing/run_follow.h"
#include "swing/terminal.h"

namespace swb::swing {
namespace {

Path pathOf(const Arguments& arguments) {
    return Path("applications") / arguments.text("APP") / "secrets" / arguments.text("NAME");
}

// One line end at the end belongs to the editor or the shell, not to the secret.
Result<Secret> checkedValue(std::string value) {
    if (value.ends_with('\n')) value.pop_back();
    if (value.ends_with('\r')) value.pop_back();
    if (value.empty())
        return fail(ErrorCode::InvalidInput, "the secret's value is empty", "to remove it: swing app secret delete");
    if (value.find('\0') != std::string::npos)
        return fail(ErrorCode::InvalidInput, "the secret's value contains a NUL byte",
                    "environment variables cannot carry one");
    if (value.size() > limits::environmentValueBytes)
        return fail(ErrorCode::TooLarge, "the secret's value is over " + humanBytes(limits::environmentValueBytes));
    return Secret(std::move(value));
}

Result<Secret> valueFor(Context& context, const Arguments& arguments) {
    constexpr size_t readMax = limits::environmentValueBytes + 2;
    if (arguments.has("--from-file")) return checkedValue(TRY(readFile(arguments.text("--from-file"), readMax)));
    if (!canAsk()) return checkedValue(TRY(context.readInput(readMax)));
    return checkedValue(TRY(askSecret("value of " + arguments.text("NAME") + " (not shown): ")).reveal());
}

Result<int> setSecret(Context& context, const Arguments& arguments) {
    const Secret value = TRY(valueFor(context, arguments));
    const Json answer = TRY(TRY(context.api())->put(pathOf(arguments), JsonObject{{"value", value.reveal()}}));
    return followRun(context, arguments, unwrapped(answer, "run"), WaitDefault::always);
}

Result<int> listSecrets(Context& context, const Arguments& arguments) {
    const Json answer = TRY(TRY(context.api())->get(Path("applications") / arguments.text("APP")));
    context.output().document(JsonObject{{"secrets", arrayOf(answer, "secrets")}});
    Table table({"SECRET"});
    for (const Json& name : arrayOf(answer, "secrets"))
        if (name.is_string()) table.row({printable(name.as_string())});
    context.output().table(table, "no secrets");
    return 0;
}

Result<int> deleteSecret(Context& context, const Arguments& arguments) {
    const Json answer = TRY(TRY(context.api())->remove(pathOf(arguments)));
    return followRun(context, arguments, unwrapped(answer, "run"), WaitDefault::always);
}

}  // namespace

std::vector<Command> secretCommands() {
    using enum ArgumentKind;
    const Argument application{"APP", positional, "the application", "", true};
    const Argument name{"NAME", positional, "the secret's name", "", true};
    return {
        {"app secret set", "set a secret of an application",
         "The value is read from stdin, asked for without echo on a terminal, or read from a file; never from an "
         "argument. "
         "Processes are reloaded or restarted as their definition says.",
         "swing app secret set shop-fra POSTGRESQL_PASSWORD\nswing app secret set shop-fra API_KEY --from-file key.txt",
         withWaiting({application, name, {"--from-file", value, "read the value from this file", "FILE"}}), setSecret},
        {"app secret list",
         "list the names of an application's secrets",
         "",
         "swing app secret list shop-fra",
         {application},
         listSecrets},
        {"app secret delete", "delete a secret of an application", "", "swing app secret delete shop-fra API_KEY",
         withWaiting({application, name}), deleteSecret},
    };
}

}  // namespace swb::swing
