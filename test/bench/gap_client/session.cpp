#include "gap_client/session.h"

#include "gap_client/combined_session.h"
#include "gap_client/mariadb_session.h"
#include "gap_client/postgresql_session.h"
#include "gap_client/redis_session.h"

namespace swb::bench {

std::string problemOf(const Target& target) {
    if (target.conninfo.empty() && target.mariadb.empty() && target.redis.empty()) return "no database is given";
    if (!target.conninfo.empty()) {
        const std::string problem = PostgresqlTarget().parse(target.conninfo);
        if (!problem.empty()) return "bad conninfo: " + problem;
    }
    for (const auto* hosts : {&target.mariadb, &target.redis})
        for (const std::string& host : *hosts)
            if (const auto parsed = parseHostPort(host); !parsed) return parsed.error().message;
    return {};
}

std::unique_ptr<Session> makeSession(const Target& target, Deadlines deadlines) {
    std::vector<std::unique_ptr<Session>> parts;
    if (!target.conninfo.empty()) parts.push_back(std::make_unique<PostgresqlSession>(target.conninfo, deadlines));
    if (!target.mariadb.empty()) parts.push_back(std::make_unique<MariadbSession>(target, deadlines));
    if (!target.redis.empty()) parts.push_back(std::make_unique<RedisSession>(target, deadlines));
    if (parts.size() == 1) return std::move(parts.front());
    return std::make_unique<CombinedSession>(std::move(parts));
}

}  // namespace swb::bench
