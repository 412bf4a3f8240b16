#include "driver/mariadb/fresh_server.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file.h"
#include "driver/support/files.h"

namespace swb::driver::mariadb {

namespace {

constexpr const char* freshRecord = "fresh-server";  // {directory} of its socket
constexpr std::string_view socketDirectoryPrefix = "/tmp/swingbridge-";

// A socket's path may have 107 characters: the data directory's own may be longer.
Result<std::string> makeSocketDirectory(const OsUser& user) {
    std::string path = std::string(socketDirectoryPrefix) + "XXXXXX";
    if (!::mkdtemp(path.data()) || (::geteuid() == 0 && ::chown(path.c_str(), user.uid, user.gid) != 0))
        return fail(ErrorCode::StorageFailed, path + " cannot be made: " + std::strerror(errno));
    return path;
}

// Servers that share a directory for temporary files remove each other's at their start: each has its own here.
Result<void> makeSystemTables(const Instance& instance, const std::string& data, const std::string& temporary,
                              const Context& context) {
    if (instance.dialect().engine() == Engine::mysql) {
        TRY(runChecked(instance.programCall("mysqld", {"--no-defaults", "--initialize-insecure", "--datadir=" + data,
                                                       "--tmpdir=" + temporary, "--secure-file-priv=NULL"}),
                       context));
        return {};
    }
    ProgramCall call =
        instance.programCall("mariadb-install-db", {"--no-defaults", "--datadir=" + data, "--skip-test-db",
                                                    "--auth-root-authentication-method=socket", "--skip-name-resolve"});
    call.environment["TMPDIR"] = temporary;
    TRY(runChecked(call, context));
    return {};
}

}  // namespace

FreshServer::FreshServer(FreshServer&& other) noexcept
    : directory_(std::exchange(other.directory_, {})),
      socket_(std::move(other.socket_)),
      data_(std::move(other.data_)),
      connection_(std::exchange(other.connection_, std::nullopt)),
      process_(std::exchange(other.process_, std::nullopt)) {}

FreshServer::~FreshServer() {
    connection_.reset();
    if (process_ && isAlive(*process_)) {
        sendSignal(*process_, SIGKILL);  // what is in the directory is made anew by the next attempt
        (void)awaitExit(*process_, SystemClock().monotonic() + 5000);
    }
    if (!directory_.empty()) (void)removeTree(directory_);
}

void FreshServer::endLeftovers(const Instance& instance, const std::string& data) {
    for (const auto& leftover : processesWithArgument("--datadir=" + data)) {
        sendSignal(leftover, SIGKILL);
        (void)awaitExit(leftover, SystemClock().monotonic() + 5000);
    }
    const std::string directory = textAt(instance.record(freshRecord), "directory");
    if (directory.rfind(socketDirectoryPrefix, 0) == 0) (void)removeTree(directory);
    (void)instance.removeRecord(freshRecord);
}

Result<FreshServer> FreshServer::prepared(const Instance& instance, const std::string& data) {
    FreshServer server;
    server.data_ = data;
    server.directory_ = TRY(makeSocketDirectory(instance.user()));
    server.socket_ = server.directory_ + "/socket";
    TRY_VOID(instance.writeRecord(freshRecord, JsonObject{{"directory", server.directory_}}));
    return server;
}

Result<FreshServer> FreshServer::start(const Instance& instance, const std::string& data, const Context& context) {
    FreshServer server = TRY(prepared(instance, data));
    TRY_VOID(makeSystemTables(instance, data, server.directory_, context));
    TRY_VOID(server.run(instance, "--no-defaults", context));
    return server;
}

Result<FreshServer> FreshServer::startOnCopy(const Instance& instance, const std::string& data,
                                             const std::string& optionFile, const Context& context) {
    FreshServer server = TRY(prepared(instance, data));
    TRY_VOID(server.run(instance, "--defaults-file=" + optionFile, context));
    return server;
}

Result<void> FreshServer::run(const Instance& instance, const std::string& options, const Context& context) {
    DetachedProgram program;
    program.argv = {instance.program("mariadbd"), options, "--datadir=" + data_, "--socket=" + socket_,
                    "--pid-file=" + directory_ + "/pid", "--tmpdir=" + directory_, "--skip-networking",
                    "--skip-grant-tables", "--skip-log-bin", "--max-allowed-packet=1G",
                    // What is loaded is flushed by the clean stop; until then a crash begins it anew.
                    "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=OFF"};
    if (instance.dialect().engine() == Engine::mysql)
        // The account we work as may have to be made; the X protocol would open a port and a socket of its own.
        for (const char* option : {"--skip-replica-start", "--loose-mysqlx=OFF", "--secure-file-priv=NULL",
                                   "--plugin-load-add=auth_socket.so"})
            program.argv.emplace_back(option);
    else
        program.argv.emplace_back("--skip-slave-start");
    program.user = instance.user();
    program.logFile = instance.stateDirectory() + "/fresh-server.log";
    const pid_t pid = TRY(spawnDetached(program));
    process_ = processIdentity(pid);
    Endpoint endpoint;
    endpoint.socket = socket_;
    endpoint.user = "root";
    for (;;) {
        auto connection = Connection::open(endpoint, instance.user(), context.deadline);
        if (connection) {
            connection_ = std::move(*connection);
            return {};
        }
        if (!process_ || !isAlive(*process_))
            return fail(ErrorCode::DatabaseFailed, "the server that works on the copy did not come up",
                        "See " + program.logFile + ".");
        if (context.remainingMs() == 0 || context.cancelled()) return fail(connection.error());
        pause(10);
    }
}

Result<void> FreshServer::stop(const Context& context) {
    connection_.reset();
    if (!process_) return {};
    sendSignal(*process_, SIGTERM);
    if (!awaitExit(*process_, context.deadline))
        return fail(ErrorCode::DeadlineExceeded, "the server that worked on the copy does not stop");
    process_.reset();
    return {};
}

}  // namespace swb::driver::mariadb
