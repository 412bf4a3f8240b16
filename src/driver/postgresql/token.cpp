#include "driver/postgresql/token.h"

#include <charconv>

namespace swb::driver::postgresql {

Result<SwitchToken> parseToken(const Token& token) {
    SwitchToken parsed;
    const std::string systemId = textAt(token.proof, "systemId");
    const auto [end, error] = std::from_chars(systemId.data(), systemId.data() + systemId.size(), parsed.systemId);
    const auto checkpoint = parseLsn(textAt(token.proof, "checkpoint")), last = parseLsn(textAt(token.proof, "end"));
    const int64_t timeline = integerAt(token.proof, "timeline");
    if (error != std::errc() || end != systemId.data() + systemId.size() || !checkpoint || !last ||
        *last <= *checkpoint || timeline < 1 || timeline > UINT32_MAX || textAt(token.proof, "engine") != "postgresql")
        return fail(ErrorCode::InvalidInput, "the promotion token of database " + token.database + " is not readable",
                    "A token comes from database.fence of the same engine.");
    parsed.timeline = static_cast<uint32_t>(timeline);
    parsed.checkpoint = *checkpoint;
    parsed.end = *last;
    return parsed;
}

Token makeToken(const std::string& database, const SwitchToken& token, int64_t epoch, UnixMs at) {
    return {database, JsonObject{{"database", database},
                                 {"engine", "postgresql"},
                                 {"systemId", std::to_string(token.systemId)},
                                 {"timeline", token.timeline},
                                 {"checkpoint", lsnText(token.checkpoint)},
                                 {"end", lsnText(token.end)},
                                 {"epoch", epoch},
                                 {"at", at}}};
}

}  // namespace swb::driver::postgresql
