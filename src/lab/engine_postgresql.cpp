// PostgreSQL in the lab: a cluster as an administrator would have made it, with its own system identifier, passwords by
// SCRAM, checksums, WAL enough to replicate.
#include <fmt/format.h>
#include <libpq-fe.h>

#include <memory>

#include "base/file.h"
#include "driver/support/program.h"
#include "lab/lab_engine.h"
#include "lab/quote.h"

namespace swb::lab {
namespace {

constexpr Engine self = Engine::postgresql;

using Rows = std::unique_ptr<PGresult, void (*)(PGresult*)>;

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
        site.address, site.databases.at(self).port, world.socketsOf(site));
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
    call.argv = {world.programsOf(self) + "/postgres", "--single", "-j", "-D",
                 world.databaseDirectory(site, self),  "postgres"};
    call.input = statements;
    const auto outcome = TRY(driver::runChecked(call, within(30'000)));
    // It goes on after an error, and ends with 0.
    const size_t error = outcome.errors.find("ERROR:");
    if (error == std::string::npos) return {};
    return fail(ErrorCode::DatabaseFailed, outcome.errors.substr(error, outcome.errors.find('\n', error) - error));
}

// The first statement's rows; the connection gives up by itself.
Result<Rows> ask(const std::string& dsn, const std::string& sql, const std::vector<std::string>& parameters,
                 int64_t timeoutMs) {
    const std::string bounded = dsn + " connect_timeout=" + std::to_string(std::max<int64_t>(2, timeoutMs / 1000)) +
                                " application_name=lab options='-c statement_timeout=" + std::to_string(timeoutMs) +
                                "'";
    const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(bounded.c_str()), PQfinish);
    if (PQstatus(connection.get()) != CONNECTION_OK)
        return fail(ErrorCode::Unreachable,
                    std::string("the database cannot be reached: ") + PQerrorMessage(connection.get()));
    std::vector<const char*> values;
    for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
    Rows rows(PQexecParams(connection.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                           nullptr, nullptr, 0),
              PQclear);
    if (PQresultStatus(rows.get()) != PGRES_TUPLES_OK)
        return fail(ErrorCode::DatabaseFailed, PQerrorMessage(connection.get()));
    return rows;
}

std::string dsnOf(const World& world, const Site& site) {
    return fmt::format("host={} port={} dbname={} user={} password={}", site.address, site.databases.at(self).port,
                       databaseName, databaseUser, libpqValue(world.password.reveal()));
}

std::string adminDsnOf(const World& world, const Site& site) {
    return fmt::format("host={} port={} dbname={} user=postgres", libpqValue(world.socketsOf(site)),
                       site.databases.at(self).port, databaseName);
}

class PostgresqlEngine final : public LabEngine {
  public:
    Engine engine() const override { return self; }
    std::string_view title() const override { return "PostgreSQL"; }
    std::string_view database() const override { return "main"; }
    DatabasePorts wantedPorts() const override { return {5432, 0}; }

    Result<std::string> findPrograms() const override {
        for (const char* version : {"18", "17", "16", "15", "14", "13"}) {
            const std::string path = std::string("/usr/lib/postgresql/") + version + "/bin";
            if (fileExists(path + "/postgres") && fileExists(path + "/initdb")) return path;
        }
        if (const std::string program = driver::findProgram("initdb"); !program.empty())
            return program.substr(0, program.rfind('/'));
        return fail(ErrorCode::CommandFailed, "PostgreSQL 13 to 18 is not installed",
                    "install it: scripts/dependencies");
    }

    Result<void> makeServer(const World& world, const Site& site) const override {
        const std::string data = world.databaseDirectory(site, self);
        driver::ProgramCall initdb;
        // Flushing the new cluster is left to its first checkpoint: a lab that loses power is started again.
        initdb.argv = {world.programsOf(self) + "/initdb",
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
        TRY(driver::runChecked(initdb, within(60'000)));
        TRY_VOID(writeFileAtomically(data + "/postgresql.conf", configuration(world, site)));
        TRY_VOID(writeFileAtomically(data + "/pg_hba.conf", hba));
        TRY_VOID(writeFileAtomically(data + "/pg_ident.conf", ident(world)));
        return runSingleUser(world, site,
                             fmt::format("CREATE ROLE {0} LOGIN PASSWORD '{1}';\n\nCREATE DATABASE {2} OWNER {0};\n\n",
                                         databaseUser, world.password.reveal(), databaseName));
    }

    std::string definition(const World& world, const Site& site) const override {
        return fmt::format(
            "  main:\n"
            "    engine: postgresql\n"
            "    server: {}\n"
            "    service: {}\n"
            "    address: {}:{}        # where the other site reaches it\n"
            "    database: {}\n"
            "    user: {}              # its password: swing app secret set {} {}\n",
            site.server, service(world, site), site.address, site.databases.at(self).port, databaseName, databaseUser,
            site.application, passwordVariable());
    }

    std::string service(const World& world, const Site& site) const override {
        return fmt::format("{{manage: direct, data: {}, bin: {}, socket: {}}}",
                           yamlWord(world.databaseDirectory(site, self)), yamlWord(world.programsOf(self)),
                           yamlWord(world.socketsOf(site)));
    }

    JsonObject access(const World& world, const Site& site) const override {
        const std::string adminDsn = adminDsnOf(world, site);
        return JsonObject{{"dsn", dsnOf(world, site)},
                          {"adminDsn", adminDsn},
                          {"adminCommand", "psql \"" + adminDsn + "\""},
                          {"data", world.databaseDirectory(site, self)},
                          {"socket", world.socketsOf(site)}};
    }

    std::string pidFile(const World& world, const Site& site) const override {
        return world.databaseDirectory(site, self) + "/postmaster.pid";
    }

    Result<std::string> role(const World& world, const Site& site) const override {
        const Rows rows =
            TRY(ask(dsnOf(world, site), "SELECT CASE WHEN pg_is_in_recovery() THEN 'replica' ELSE 'primary' END", {},
                    questionMs));
        return std::string(PQgetvalue(rows.get(), 0, 0));
    }

    Result<TagCounts> tags(const World& world, const Site& site, const std::string& prefix) const override {
        const Rows rows =
            TRY(ask(dsnOf(world, site), "SELECT tag, count(*) FROM orders WHERE starts_with(tag, $1) GROUP BY tag",
                    {prefix}, readingMs));
        TagCounts counts;
        for (int row = 0; row < PQntuples(rows.get()); ++row)
            counts[PQgetvalue(rows.get(), row, 0)] = std::stoll(PQgetvalue(rows.get(), row, 1));
        return counts;
    }
};

}  // namespace

const LabEngine& postgresqlEngine() {
    static const PostgresqlEngine engine;
    return engine;
}

}  // namespace swb::lab
