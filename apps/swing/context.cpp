#include "swing/context.h"

#include "swing/terminal.h"

namespace swb::swing {

Result<ApiClient*> Context::api() {
    if (!api_) {
        auto settings = TRY(resolveSettings(flags_, realSurroundings()));
        const bool literal = flags_.token && *flags_.token != "-" && !flags_.token->starts_with("@");
        if (literal && isTerminal(stderr))
            output_.note(
                "swing: a token on the command line is visible to every user of this machine; better: --token @FILE");
        api_ = TRY(ApiClient::create(std::move(settings)));
    }
    return api_.get();
}

Result<std::string> Context::readInput(size_t maxBytes) {
    if (flags_.token == "-")
        return fail(ErrorCode::InvalidInput, "stdin already carries the token (--token -)",
                    "give the token by --token @FILE");
    return readStandardInput(maxBytes);
}

bool Context::mayAsk() const {
    return !output_.json() && flags_.token != "-" && canAsk();
}

Json unwrapped(const Json& answer, std::string_view member) {
    const Json* inner = memberAt(answer, member);
    return inner ? *inner : answer;
}

const JsonArray& arrayOf(const Json& answer, std::string_view member) {
    static const JsonArray none;
    const Json* value = memberAt(answer, member);
    return value && value->is_array() ? value->as_array() : none;
}

Result<void> confirmOnTerminal(Context& context, const Arguments& arguments, std::string_view question) {
    if (arguments.has("--yes") || !context.mayAsk() || askYesNo(question)) return {};
    return fail(ErrorCode::ConsentRequired, "not confirmed: nothing was done");
}

}  // namespace swb::swing
