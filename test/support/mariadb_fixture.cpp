#include "support/mariadb_fixture.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "driver/mariadb/instance.h"
#include "driver/mariadb/managers.h"
#include "driver/support/files.h"
#include "driver/support/program.h"

namespace swb::test {

using driver::mariadb::Connection;

namespace {

constexpr int64_t patienceMs = 20'000;
constexpr const char* installedPrograms = "/usr";

driver::Context contextFor(int64_t milliseconds) {
    driver::Context context;
    context.deadline = SystemClock().monotonic() + milliseconds;
    return context;
}

void run(std::vector<std::string> argv, const std::string& temporary) {
    driver::ProgramCall call;
    call.argv = std::move(argv);
    call.user = mariadbUser();
    call.environment["TMPDIR"] = temporary;  // servers that share one remove each other's files at their start
    require(driver::runChecked(call, contextFor(60'000)));
}

void give(const std::string& path) {
    giveTo(mariadbUser(), path);
}

// As an installation has it: root is root, and without root the service's user is.
driver::OsUser superuser() {
    return require(driver::currentOsUser());
}

const std::string& template_() {
    struct Made {
        std::string directory = makeTestDirectory("mariadb-template");
        Made() {
            give(directory);
            const std::string data = directory + "/data";
            std::filesystem::create_directory(data);
            give(data);
            run({mariadbPrograms() + "/bin/mariadb-install-db", "--no-defaults", "--datadir=" + data, "--skip-test-db",
                 "--skip-name-resolve", "--auth-root-authentication-method=socket",
                 "--auth-root-socket-user=" + mariadbUser().name},
                directory);
        }
        ~Made() { (void)driver::removeTree(directory); }
    };
    static const Made made;
    return made.directory;
}

const std::string& mysqlTemplate() {
    struct Made {
        std::string directory = makeTestDirectory("mysql-template");
        Made() {
            give(directory);
            run({mysqlPrograms() + "/sbin/mysqld", "--no-defaults", "--initialize-insecure",
                 "--datadir=" + directory + "/data", "--tmpdir=" + directory, "--secure-file-priv=NULL",
                 "--innodb-redo-log-capacity=8M"},
                directory);
            (void)removeFile(directory + "/data/auto.cnf");  // each server has a number of its own
        }
        ~Made() { (void)driver::removeTree(directory); }
    };
    static const Made made;
    return made.directory;
}

std::string optionsOf(Engine engine) {
    if (engine == Engine::mysql)
        return "innodb_buffer_pool_size = 16M\ninnodb_redo_log_capacity = 8M\nmysqlx = OFF\nsecure_file_priv = NULL\n";
    return "basedir = " + mariadbPrograms() +
           "\ninnodb_buffer_pool_size = 16M\ninnodb_log_file_size = 8M\nlog_warnings = 2\n";
}

Result<Connection> connectAs(const std::string& account, const DatabaseSpec& spec) {
    driver::mariadb::Endpoint endpoint;
    endpoint.socket = spec.service.socket;
    endpoint.user = account;
    return Connection::open(endpoint, superuser(), SystemClock().monotonic() + patienceMs);
}

Result<Connection> connectAsSuperuser(const DatabaseSpec& spec) {
    return connectAs(spec.service.superuser, spec);
}

// A fresh MySQL has an account root without a password; what is wanted is one that needs none.
void makeMysqlSuperuser(const DatabaseSpec& spec) {
    auto connection = require(connectAs("root", spec));
    const std::string account = "'" + spec.service.superuser + "'@localhost";
    const MonotonicMs deadline = SystemClock().monotonic() + patienceMs;
    for (const std::string& statement :
         {std::string("INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'"), "CREATE USER IF NOT EXISTS " + account,
          "ALTER USER " + account + " IDENTIFIED WITH auth_socket",
          "GRANT ALL ON *.* TO " + account + " WITH GRANT OPTION"})
        require(connection.execute(statement, deadline));
}

void makeApplicationDatabase(const DatabaseSpec& spec) {
    auto connection = require(connectAsSuperuser(spec));
    const MonotonicMs deadline = SystemClock().monotonic() + patienceMs;
    for (const char* statement :
         {"CREATE DATABASE shop", "CREATE USER shop@'%' IDENTIFIED BY 'shop-password'",
          "GRANT ALL ON shop.* TO shop@'%'",
          "CREATE TABLE shop.items (id BIGINT AUTO_INCREMENT PRIMARY KEY, tag VARCHAR(190) UNIQUE)"})
        require(connection.execute(statement, deadline));
}

}  // namespace

driver::OsUser mariadbUser() {
    return require(::geteuid() == 0 ? driver::osUserByName("mysql") : driver::currentOsUser());
}

std::string mariadbPrograms() {
    const char* named = std::getenv("SWB_MARIADB_PROGRAMS");
    return named ? named : installedPrograms;
}

std::string mysqlPrograms() {
    const char* named = std::getenv("SWB_MYSQL_PROGRAMS");
    return named ? named : "";
}

DatabaseSpec makeMariadbServer(const std::string& directory, const std::string& host, const std::string& settings,
                               Engine engine) {
    const bool mysql = engine == Engine::mysql;
    DatabaseSpec spec;
    spec.name = "main";
    spec.engine = engine;
    if (mysql || mariadbPrograms() != installedPrograms)
        spec.service.bin = (mysql ? mysqlPrograms() : mariadbPrograms()) + "/sbin";
    spec.server = "server";
    spec.service.data = directory + "/data";
    spec.service.socket = directory + "/run/socket";
    spec.service.config = directory + "/my.cnf";
    spec.service.superuser = superuser().name;
    spec.address.host = host;
    spec.address.port = freePort(host);
    spec.database = "shop";
    spec.user = "shop";
    std::filesystem::create_directory(directory + "/run");
    give(directory + "/run");
    driver::ProgramCall copy;
    copy.argv = {"cp", "-a", (mysql ? mysqlTemplate() : template_()) + "/data", spec.service.data};
    require(driver::runChecked(copy, contextFor(60'000)));
    // Of its own: a server that starts removes what it takes for its predecessor's temporary tables.
    const std::string temporary = directory + "/tmp";
    std::filesystem::create_directory(temporary);
    give(temporary);
    const std::string configuration = "[mysqld]\ndatadir = " + spec.service.data + "\ntmpdir = " + temporary +
                                      "\nsocket = " + spec.service.socket +
                                      "\nport = " + std::to_string(spec.address.port) + "\nbind-address = " + host +
                                      "\nskip-name-resolve\nmax_connections = 60\n" + optionsOf(engine) + settings;
    require(driver::writeFileAs(mariadbUser(), spec.service.config, configuration, 0644));
    driver::DetachedProgram server;
    server.argv = {mysql ? mysqlPrograms() + "/sbin/mysqld" : mariadbPrograms() + "/sbin/mariadbd",
                   "--defaults-file=" + spec.service.config};
    server.user = mariadbUser();
    server.logFile = directory + "/run/log";
    require(driver::spawnDetached(server));
    const auto deadline = SystemClock().monotonic() + patienceMs;
    while (!connectAs(mysql ? "root" : spec.service.superuser, spec)) {
        if (SystemClock().monotonic() > deadline) std::abort();
        ::usleep(5000);
    }
    if (mysql) makeMysqlSuperuser(spec);
    makeApplicationDatabase(spec);
    return spec;
}

std::optional<int> mariadbPid(const DatabaseSpec& spec) {
    const auto server = driver::mariadb::findServer(spec.service.data, spec.service.socket);
    return server ? std::optional<int>(server->pid) : std::nullopt;
}

void killMariadbServer(const DatabaseSpec& spec) {
    const auto server = driver::mariadb::findServer(spec.service.data, spec.service.socket);
    if (!server) return;
    driver::sendSignal(*server, SIGKILL);
    (void)driver::awaitExit(*server, SystemClock().monotonic() + 5000);
}

Result<Connection> connectMariadb(const DatabaseSpec& spec, const std::string& user, const std::string& password,
                                  const std::string& database) {
    driver::mariadb::Endpoint endpoint;
    endpoint.host = spec.address.host;
    endpoint.port = spec.address.port;
    endpoint.user = user;
    endpoint.password = Secret(password);
    endpoint.database = database;
    return Connection::open(endpoint, require(driver::currentOsUser()), SystemClock().monotonic() + patienceMs);
}

MariadbWorld::MariadbWorld(const std::string& settings, Engine engine)
    : DatabaseWorld(engine == Engine::mysql ? "my" : "mdb"), engine_(engine) {
    makeSides(settings);
}

MariadbWorld::~MariadbWorld() {
    endSides();
}

DatabaseSpec MariadbWorld::makeServer(const std::string& directory, const std::string& host,
                                      const std::string& settings) {
    give(directory);
    return makeMariadbServer(directory, host, settings, engine_);
}

bool MariadbWorld::insert(DatabaseSide& side, const std::string& tag) {
    const auto deadline = SystemClock().monotonic() + patienceMs;
    auto connection = connectMariadb(side.spec, "shop", "shop-password", "shop");
    return connection &&
           connection->execute("INSERT INTO items (tag) VALUES (" + connection->literal(tag) + ")", deadline)
               .has_value();
}

std::set<std::string> MariadbWorld::tags(DatabaseSide& side) {
    auto connection = require(connectAsSuperuser(side.spec));
    const auto rows = require(connection.query("SELECT tag FROM shop.items", SystemClock().monotonic() + patienceMs));
    std::set<std::string> tags;
    for (const auto& row : rows) tags.insert(row.first());
    return tags;
}

std::optional<std::string> MariadbWorld::trySql(DatabaseSide& side, const std::string& statement,
                                                std::string* error) const {
    auto connection = connectAsSuperuser(side.spec);
    auto value = connection ? connection->value(statement, SystemClock().monotonic() + patienceMs)
                            : Result<std::string>(fail(connection.error()));
    if (value) return std::move(*value);
    if (error) *error = value.error().message;
    return std::nullopt;
}

std::string MariadbWorld::sql(DatabaseSide& side, const std::string& statement) const {
    std::string error;
    const auto value = trySql(side, statement, &error);
    EXPECT_TRUE(value) << statement << ": " << error;
    return value.value_or("");
}

Json MariadbWorld::laterToken(const Json& token) {
    const std::string end = textAt(token, "end");
    const size_t sequence = end.rfind('-') + 1;
    Json later = token;
    if (engine_ == Engine::mysql)
        later.as_object()["end"] = end + ":1000000";
    else
        later.as_object()["end"] = end.substr(0, sequence) + std::to_string(std::stoull(end.substr(sequence)) + 1000);
    return later;
}

Json MariadbWorld::foreignToken(const Json& token) {
    Json foreign = token;
    foreign.as_object()["systemId"] = "00000000-0000-4000-8000-000000000001";
    return foreign;
}

}  // namespace swb::test
