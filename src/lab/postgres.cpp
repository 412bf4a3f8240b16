#include "lab/postgres.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <memory>

#include "base/file.h"
#include "driver/support/program.h"

namespace swb::lab {
namespace {

driver::Context within(int64_t milliseconds) {
    driver::Context context;
    context.deadline = SystemClock().monotonic() + milliseconds;
    return context;
}

std::string configuration(const World& world, const Site& site) {
    return fmt::format(
        "listen_addresses = '{}'\n"
        "port = {}\n"
        "unix_socket_directories = '{}'\n"
        "unix_socket_permissions = 0700\n"
        "password_encryption = scram-sha-256\n"
        "wal_level = replica\n"
        "max_wal_senders = 10\n"
        "max_replication_slots = 10\n"
        "wal_keep_size = 64MB\n"
        "max_connections = 100\n"
        "shared_buffers = 32MB\n"
        "log_line_prefix = '%m [%p] %a '\n"
        "log_timezone = 'UTC'\n"
        "timezone = 'UTC'\n"
        "datestyle = 'iso, ymd'\n",
        site.address, site.databasePort, world.socketsOf(site));
}

// Administrators are the lab's own user and who started the lab, known to the kernel, not by a password.
constexpr const char* hba =
    "local  all  all                peer map=lab\n"
    "host   all  all  127.0.0.0/8   scram-sha-256\n";

std::string ident(const World& world) {
    std::string text = "lab  " + world.user + "  postgres\n";
    if (world.startedBy != world.user) text += "lab  " + world.startedBy + "  postgres\n";
    return text;
}

// In single-user mode, so that no server listens before the agent starts it; statements, with the password in one of
// them, go in by stdin.
Result<void> runSingleUser(const World& world, const Site& site, const std::string& statements) {
    driver::ProgramCall call;
    call.argv = {world.postgresql + "/postgres", "--single", "-j", "-D", world.dataDirectory(site), "postgres"};
    call.input = statements;
    const auto outcome = TRY(driver::runChecked(call, within(30'000)));
    // It goes on after an error, and ends with 0.
    const size_t error = outcome.errors.find("ERROR:");
    if (error == std::string::npos) return {};
    return fail(ErrorCode::DatabaseFailed, outcome.errors.substr(error, outcome.errors.find('\n', error) - error));
}

}  // namespace

Result<void> createCluster(const World& world, const Site& site) {
    const std::string data = world.dataDirectory(site);
    TRY_VOID(makeDirectories(world.socketsOf(site)));
    driver::ProgramCall initdb;
    // Flushing the new cluster is left to its first checkpoint: a lab that loses power is started again.
    initdb.argv = {world.postgresql + "/initdb",
                   "-D",
                   data,
                   "-U",
                   "postgres",
                   "-E",
                   "UTF8",
                   "--locale=C.UTF-8",
                   "--data-checksums",
                   "--no-sync",
                   "--auth-local=peer",
                   "--auth-host=scram-sha-256",
                   "--no-instructions"};
    auto made = driver::runChecked(initdb, within(60'000));
    if (!made) return fail(made.error().within("the database of " + site.name + " cannot be made"));
    TRY_VOID(writeFileAtomically(data + "/postgresql.conf", configuration(world, site)));
    TRY_VOID(writeFileAtomically(data + "/pg_hba.conf", hba));
    TRY_VOID(writeFileAtomically(data + "/pg_ident.conf", ident(world)));
    return runSingleUser(world, site,
                         fmt::format("CREATE ROLE {0} LOGIN PASSWORD '{1}';\n\nCREATE DATABASE {2} OWNER {0};\n\n",
                                     databaseUser, world.password.reveal(), databaseName));
}

Result<std::string> findPostgresql() {
    for (const char* version : {"17", "16", "15", "14", "13"}) {
        const std::string path = std::string("/usr/lib/postgresql/") + version + "/bin";
        if (fileExists(path + "/postgres") && fileExists(path + "/initdb")) return path;
    }
    if (const std::string program = driver::findProgram("initdb"); !program.empty())
        return program.substr(0, program.rfind('/'));
    return fail(ErrorCode::CommandFailed, "PostgreSQL 13 to 17 is not installed", "install it: scripts/dependencies");
}

Result<std::string> askDatabase(const std::string& dsn, const std::string& sql, int64_t timeoutMs) {
    const std::string bounded = dsn + " connect_timeout=" + std::to_string(std::max<int64_t>(2, timeoutMs / 1000)) +
                                " application_name=lab options='-c statement_timeout=" + std::to_string(timeoutMs) +
                                "'";
    const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(bounded.c_str()), PQfinish);
    if (PQstatus(connection.get()) != CONNECTION_OK)
        return fail(ErrorCode::Unreachable,
                    std::string("the database cannot be reached: ") + PQerrorMessage(connection.get()));
    const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(connection.get(), sql.c_str()), PQclear);
    const auto status = PQresultStatus(result.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        return fail(ErrorCode::DatabaseFailed, PQerrorMessage(connection.get()));
    return PQntuples(result.get()) > 0 ? std::string(PQgetvalue(result.get(), 0, 0)) : std::string();
}

}  // namespace swb::lab
