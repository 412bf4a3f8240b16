// MariaDB in the lab: system tables, an option file with places and a binary log, and the application's database. The
// administrator's account is the lab's own user, known to the kernel.
#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "driver/mariadb/connection.h"
#include "driver/mariadb/managers.h"
#include "driver/support/program.h"
#include "lab/lab_engine.h"
#include "lab/quote.h"

namespace swb::lab {
namespace {

using driver::mariadb::Connection;
constexpr Engine self = Engine::mariadb;

driver::Context within(int64_t milliseconds) {
    driver::Context context;
    context.deadline = SystemClock().monotonic() + milliseconds;
    return context;
}

std::string directoryOf(const World& world, const Site& site) {
    return world.databaseDirectory(site, self);
}
std::string dataOf(const World& world, const Site& site) {
    return directoryOf(world, site) + "/data";
}
// Of its own: a server that starts removes what it takes for its predecessor's temporary tables.
std::string temporaryOf(const World& world, const Site& site) {
    return directoryOf(world, site) + "/tmp";
}
std::string optionFileOf(const World& world, const Site& site) {
    return directoryOf(world, site) + "/my.cnf";
}
std::string socketOf(const World& world, const Site& site) {
    return world.socketsOf(site) + "/mariadb.sock";
}

std::string options(const World& world, const Site& site) {
    return fmt::format(
        "[mysqld]\n"
        "datadir = {}\n"
        "tmpdir = {}\n"
        "socket = {}\n"
        "port = {}\n"
        "bind-address = {}\n"
        "skip-name-resolve\n"
        "character-set-server = utf8mb4\n"
        "server_id = {}\n"
        "log_bin = shop-bin\n"
        "binlog_format = ROW\n"
        "max_connections = 100\n"
        "innodb_buffer_pool_size = 32M\n"
        "innodb_log_file_size = 16M\n",
        dataOf(world, site), temporaryOf(world, site), socketOf(world, site), site.databases.at(self).port,
        site.address, (site.name == world.sites.front().name ? 101 : 102) + (site.replica.empty() ? 0 : 100));
}

// Without networking and without a running server; statements, with the password in one of them, go in by stdin.
Result<void> bootstrap(const World& world, const Site& site, const std::string& statements) {
    driver::ProgramCall call;
    call.argv = {world.programsOf(self) + "/mariadbd", "--defaults-file=" + optionFileOf(world, site), "--bootstrap"};
    call.input = statements;
    TRY(driver::runChecked(call, within(30'000)));
    return {};
}

Result<Connection> connect(const World& world, const Site& site, MonotonicMs deadline) {
    driver::mariadb::Endpoint endpoint;
    endpoint.host = site.address;
    endpoint.port = site.databases.at(self).port;
    endpoint.user = databaseUser;
    endpoint.password = world.password;
    endpoint.database = databaseName;
    return Connection::open(endpoint, TRY(driver::currentOsUser()), deadline);
}

class MariadbEngine final : public LabEngine {
  public:
    Engine engine() const override { return self; }
    std::string_view title() const override { return "MariaDB"; }
    std::string_view database() const override { return "invoices"; }
    DatabasePorts wantedPorts() const override { return {3306, 3307}; }

    Result<std::string> findPrograms() const override {
        for (const std::string& path : {driver::findProgram("mariadbd"), std::string("/usr/sbin/mariadbd")})
            if (!path.empty() && fileExists(path)) return path.substr(0, path.rfind('/'));
        return fail(ErrorCode::CommandFailed, "MariaDB is not installed", "install it: scripts/dependencies");
    }

    Result<void> makeServer(const World& world, const Site& site) const override {
        TRY_VOID(makeDirectories(temporaryOf(world, site)));
        driver::ProgramCall install;
        install.argv = {"mariadb-install-db",
                        "--no-defaults",
                        "--datadir=" + dataOf(world, site),
                        "--skip-test-db",
                        "--skip-name-resolve",
                        "--auth-root-authentication-method=socket",
                        "--auth-root-socket-user=" + world.user};
        install.environment["TMPDIR"] = temporaryOf(world, site);
        TRY(driver::runChecked(install, within(60'000)));
        TRY_VOID(writeFileAtomically(optionFileOf(world, site), options(world, site)));
        // One account may do everything, and it is not called root: a readiness check asks what another would be for.
        return bootstrap(world, site,
                         fmt::format("FLUSH PRIVILEGES;\n"
                                     "DROP USER root@localhost;\n"
                                     "CREATE DATABASE {0} CHARACTER SET utf8mb4;\n"
                                     "CREATE USER {1}@'%' IDENTIFIED BY '{2}';\n"
                                     "GRANT ALL ON {0}.* TO {1}@'%';\n",
                                     databaseName, databaseUser, world.password.reveal()));
    }

    std::string definition(const World& world, const Site& site) const override {
        return fmt::format(
            "  invoices:\n"
            "    engine: mariadb\n"
            "    server: {}\n"
            "    service: {}\n"
            "    address: {}:{}\n"
            "    copy: {}:{}           # where the agent gives physical copies\n"
            "    database: {}\n"
            "    user: {}              # its password: swing app secret set {} {}\n",
            site.server, service(world, site), site.address, site.databases.at(self).port, site.address,
            site.databases.at(self).secondPort, databaseName, databaseUser, site.application, passwordVariable());
    }

    std::string service(const World& world, const Site& site) const override {
        return fmt::format("{{manage: direct, data: {}, bin: {}, config: {}, socket: {}, superuser: {}}}",
                           yamlWord(dataOf(world, site)), yamlWord(world.programsOf(self)),
                           yamlWord(optionFileOf(world, site)), yamlWord(socketOf(world, site)), yamlWord(world.user));
    }

    JsonObject access(const World& world, const Site& site) const override {
        return JsonObject{{"dsn", fmt::format("mysql://{}:{}@{}:{}/{}", databaseUser, urlPart(world.password.reveal()),
                                              site.address, site.databases.at(self).port, databaseName)},
                          {"user", databaseUser},
                          {"password", world.password.reveal()},
                          {"schema", databaseName},
                          {"adminCommand", fmt::format("mariadb --socket={} --user={}",
                                                       shellWord(socketOf(world, site)), shellWord(world.user))},
                          {"data", dataOf(world, site)},
                          {"config", optionFileOf(world, site)},
                          {"socket", socketOf(world, site)}};
    }

    std::string pidFile(const World& world, const Site& site) const override {
        return dataOf(world, site) + "/" + driver::mariadb::pidFileName;
    }

    Result<std::string> role(const World& world, const Site& site) const override {
        const MonotonicMs deadline = SystemClock().monotonic() + questionMs;
        auto connection = TRY(connect(world, site, deadline));
        return std::string(TRY(connection.value("SELECT @@GLOBAL.read_only", deadline)) == "0" ? "primary" : "replica");
    }

    Result<TagCounts> tags(const World& world, const Site& site, const std::string& prefix) const override {
        const MonotonicMs deadline = SystemClock().monotonic() + readingMs;
        auto connection = TRY(connect(world, site, deadline));
        const std::string length = std::to_string(prefix.size());
        const auto rows = TRY(connection.query("SELECT tag, count(*) AS times FROM invoices WHERE left(tag, " + length +
                                                   ") = " + connection.literal(prefix) + " GROUP BY tag",
                                               deadline));
        TagCounts counts;
        for (const auto& row : rows) counts[row.at("tag")] = std::stoll(row.at("times"));
        return counts;
    }
};

}  // namespace

const LabEngine& mariadbEngine() {
    static const MariadbEngine engine;
    return engine;
}

}  // namespace swb::lab
