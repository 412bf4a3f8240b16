#include "support/postgresql_fixture.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/fd.h"
#include "base/file.h"
#include "driver/postgresql/connection.h"
#include "driver/postgresql/lsn.h"
#include "driver/postgresql/managers.h"
#include "driver/postgresql/source.h"
#include "driver/support/files.h"
#include "driver/support/program.h"

namespace swb::test {

using driver::Context;

namespace {

Context contextFor(int64_t milliseconds, const std::string& stateDirectory = {}) {
    Context context;
    context.deadline = SystemClock().monotonic() + milliseconds;
    context.stateDirectory = stateDirectory;
    return context;
}

void run(std::vector<std::string> argv, bool asServerUser) {
    driver::ProgramCall call;
    call.argv = std::move(argv);
    if (asServerUser) call.user = postgresqlUser();
    require(driver::runChecked(call, contextFor(60'000)));
}

void give(const std::string& path) {
    giveTo(postgresqlUser(), path);
}

// initdb takes a second; a copy of its result does not.
const std::string& template_() {
    struct Made {
        std::string directory = makeTestDirectory("pg-template");
        Made() {
            const std::string data = directory + "/data";
            std::filesystem::create_directory(data);
            give(data);
            run({postgresqlPrograms() + "/initdb", "-D", data, "-U", "postgres", "--auth-local=peer",
                 "--auth-host=trust", "-E", "UTF8", "--locale=C.UTF-8", "-N", "-k"},
                true);
        }
        ~Made() { (void)driver::removeTree(directory); }
    };
    static const Made made;
    return made.directory;
}

}  // namespace

std::string postgresqlPrograms() {
    if (const char* named = std::getenv("SWB_POSTGRESQL_PROGRAMS")) return named;
    for (const char* version : {"15", "18", "17", "16", "14", "13"}) {
        const std::string path = std::string("/usr/lib/postgresql/") + version + "/bin";
        if (fileExists(path + "/postgres")) return path;
    }
    return {};
}

driver::OsUser postgresqlUser() {
    return require(::geteuid() == 0 ? driver::osUserByName("postgres") : driver::currentOsUser());
}

DatabaseSpec makePostgresqlServer(const std::string& directory, const std::string& host, const ServerOptions& options) {
    DatabaseSpec spec;
    spec.name = "main";
    spec.server = "server";
    spec.service.data = directory + "/data";
    spec.service.bin = postgresqlPrograms();
    spec.service.socket = directory + "/socket";
    spec.address.host = host;
    spec.address.port = freePort(host);
    spec.database = "shop";
    spec.user = "shop";
    std::filesystem::create_directory(spec.service.socket);
    give(spec.service.socket);
    run({"cp", "-a", template_() + "/data", spec.service.data}, false);
    const std::string hba = "local all shop trust\nlocal all all peer map=swb\nhost all all 127.0.0.0/8 trust\n";
    const std::string ident = "swb " + postgresqlUser().name + " postgres\n";
    const std::string configuration =
        "port = " + std::to_string(spec.address.port) + "\nlisten_addresses = '" + host +
        "'\nunix_socket_directories = '" + spec.service.socket +
        "'\nshared_buffers = 16MB\nmax_connections = 40\nmax_prepared_transactions = 5\n" +
        "wal_keep_size = 64MB\nfsync = off\n" + options.settings;
    for (const auto& [name, text] :
         {std::pair{"pg_hba.conf", hba}, {"pg_ident.conf", ident}, {"postgresql.conf", configuration}})
        require(driver::writeFileAs(postgresqlUser(), spec.service.data + "/" + name, text, 0600));
    if (!options.start) return spec;
    driver::DetachedProgram server;
    server.argv = {spec.service.bin + "/postgres", "-D", spec.service.data};
    server.user = postgresqlUser();
    server.logFile = directory + "/socket/log";
    require(driver::spawnDetached(server));
    const auto deadline = SystemClock().monotonic() + 20'000;
    while (!runSql(spec, "SELECT 1")) {
        if (SystemClock().monotonic() > deadline) std::abort();
        ::usleep(5000);
    }
    if (options.makeApplicationDatabase) {
        runSql(spec, "CREATE ROLE shop LOGIN");
        runSql(spec, "CREATE DATABASE shop OWNER shop");
        runSql(spec, "SET ROLE shop; CREATE TABLE items (id bigserial PRIMARY KEY, tag text UNIQUE)", "shop");
    }
    return spec;
}

std::optional<int> postmasterPid(const DatabaseSpec& spec) {
    const auto postmaster = driver::postgresql::findPostmaster(spec.service.data);
    return postmaster ? std::optional<int>(postmaster->pid) : std::nullopt;
}

void killPostgresqlServer(const DatabaseSpec& spec) {
    const auto postmaster = driver::postgresql::findPostmaster(spec.service.data);
    if (!postmaster) return;
    driver::sendSignal(*postmaster, SIGQUIT);
    if (!driver::awaitExit(*postmaster, SystemClock().monotonic() + 7000)) driver::sendSignal(*postmaster, SIGKILL);
    (void)driver::awaitExit(*postmaster, SystemClock().monotonic() + 2000);
}

std::optional<std::string> runSql(const DatabaseSpec& spec, const std::string& sql, const std::string& database,
                                  std::string* error) {
    const auto deadline = SystemClock().monotonic() + 10'000;
    auto connection = driver::postgresql::Connection::open({{"host", spec.service.socket},
                                                            {"port", std::to_string(spec.address.port)},
                                                            {"user", "postgres"},
                                                            {"dbname", database}},
                                                           postgresqlUser(), deadline);
    auto value = connection ? connection->value(sql, deadline) : Result<std::string>(fail(connection.error()));
    if (value) return std::move(*value);
    if (error) *error = value.error().message;
    return std::nullopt;
}

PostgresqlWorld::PostgresqlWorld(const std::string& settings) : DatabaseWorld("pg") {
    makeSides(settings);
}

PostgresqlWorld::~PostgresqlWorld() {
    endSides();
}

bool PostgresqlWorld::insert(DatabaseSide& side, const std::string& tag) {
    const auto deadline = SystemClock().monotonic() + 10'000;
    auto connection = driver::postgresql::Connection::open({{"host", side.spec.service.socket},
                                                            {"port", std::to_string(side.spec.address.port)},
                                                            {"user", "shop"},
                                                            {"dbname", "shop"}},
                                                           postgresqlUser(), deadline);
    return connection && connection->query("INSERT INTO items (tag) VALUES ($1)", {tag}, deadline).has_value();
}

std::set<std::string> PostgresqlWorld::tags(DatabaseSide& side) {
    const std::string all = sql(side, "SELECT coalesce(string_agg(tag, ','), '') FROM public.items");
    std::set<std::string> tags;
    size_t at = 0;
    while (at < all.size()) {
        const size_t end = std::min(all.find(',', at), all.size());
        tags.insert(all.substr(at, end - at));
        at = end + 1;
    }
    return tags;
}

Json PostgresqlWorld::laterToken(const Json& token) {
    constexpr uint64_t further = 1 << 20;
    Json later = token;
    for (const char* position : {"checkpoint", "end"})
        later.as_object()[position] =
            driver::postgresql::lsnText(driver::postgresql::parseLsn(textAt(token, position)).value() + further);
    return later;
}

Json PostgresqlWorld::foreignToken(const Json& token) {
    Json foreign = token;
    foreign.as_object()["systemId"] = "7000000000000000001";
    return foreign;
}

std::string PostgresqlWorld::sql(DatabaseSide& side, const std::string& statement) const {
    std::string error;
    const auto value = runSql(side.spec, statement, "shop", &error);
    EXPECT_TRUE(value) << statement << ": " << error;
    return value.value_or("");
}

}  // namespace swb::test
