#include "driver/database_driver.h"
#include "driver/mariadb/mariadb_driver.h"
#include "driver/postgresql/postgresql_driver.h"
#include "driver/redis/redis_driver.h"

namespace swb::driver {

Result<std::unique_ptr<DatabaseDriver>> makeDatabaseDriver(Engine engine) {
    if (engine == Engine::postgresql) return std::make_unique<PostgresqlDriver>();
    if (engine == Engine::mariadb || engine == Engine::mysql) return std::make_unique<MariadbDriver>();
    if (engine == Engine::redis || engine == Engine::valkey) return std::make_unique<RedisDriver>();
    return fail(ErrorCode::Unsupported, "there is no driver for the engine " + std::string(nameOf(engine)),
                "Use engine: postgresql, mariadb, mysql, redis or valkey.");
}

}  // namespace swb::driver
