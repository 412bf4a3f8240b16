#include "driver/redis/token.h"

namespace swb::driver::redis {

Result<Position> parseToken(const Token& token) {
    const auto end = parsePosition(textAt(token.proof, "end"));
    const std::string engine = textAt(token.proof, "engine");
    if (!end || (engine != "redis" && engine != "valkey"))
        return fail(ErrorCode::InvalidInput, "the promotion token of database " + token.database + " is not readable",
                    "A token comes from database.fence of the same engine.");
    return *end;
}

Token makeToken(const DatabaseSpec& spec, const Position& end, int64_t epoch, UnixMs at) {
    return {spec.name, JsonObject{{"database", spec.name},
                                  {"engine", nameOf(spec.engine)},
                                  {"identity", end.id},
                                  {"end", end.text()},
                                  {"epoch", epoch},
                                  {"at", at}}};
}

}  // namespace swb::driver::redis
