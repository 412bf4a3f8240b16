#include "driver/mariadb/token.h"

#include "driver/mariadb/gtid.h"

namespace swb::driver::mariadb {

Result<SwitchToken> parseToken(const Token& token, Engine engine) {
    SwitchToken parsed{textAt(token.proof, "systemId"), textAt(token.proof, "end"), integerAt(token.proof, "epoch")};
    const bool readable = engine == Engine::mysql
                              ? GtidSet::parse(parsed.end) && !GtidSet::parse(parsed.end)->empty()
                              : GtidPosition::parse(parsed.end) && !GtidPosition::parse(parsed.end)->empty();
    if (parsed.identity.empty() || !readable || textAt(token.proof, "engine") != nameOf(engine))
        return fail(ErrorCode::InvalidInput, "the promotion token of database " + token.database + " is not readable",
                    "A token comes from database.fence of the same engine.");
    return parsed;
}

Token makeToken(const std::string& database, Engine engine, const SwitchToken& token, UnixMs at) {
    return {database, JsonObject{{"database", database},
                                 {"engine", nameOf(engine)},
                                 {"systemId", token.identity},
                                 {"end", token.end},
                                 {"epoch", token.epoch},
                                 {"at", at}}};
}

}  // namespace swb::driver::mariadb
