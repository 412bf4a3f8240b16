#include "driver/mariadb/instance.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/fd.h"
#include "base/file.h"
#include "driver/mariadb/managers.h"
#include "driver/support/files.h"

namespace swb::driver::mariadb {

namespace {

constexpr const char* defaultSocket = "/run/mysqld/mysqld.sock";
constexpr const char* defaultOptionFile = "/etc/mysql/my.cnf";
constexpr size_t optionFileBytesMax = 1 << 20;

// Settings of every session of ours: bounded waits for locks, not led astray by the server's defaults, and not ended
// for idleness while it holds the lock of a fence.
constexpr const char* sessionSettings =
    "SET SESSION lock_wait_timeout = 5, innodb_lock_wait_timeout = 5, wait_timeout = 2147483, autocommit = 1, "
    "sql_mode = 'STRICT_ALL_TABLES', time_zone = '+00:00', net_read_timeout = 60, net_write_timeout = 60";

// Debian's /etc/mysql/my.cnf is a symbolic link; a file put in its place would hide what it points to.
std::string resolved(const std::string& path) {
    char* real = ::realpath(path.c_str(), nullptr);
    std::string result = real ? real : path;
    ::free(real);
    return result;
}

}  // namespace

std::optional<Connection> Sessions::takeIdle(const std::string& server) {
    return idle_.take(server);
}

void Sessions::giveIdle(const std::string& server, Connection connection) {
    idle_.give(server, std::move(connection));
}

void Sessions::forget(const std::string& server) {
    idle_.forget(server);
    const std::lock_guard lock(mutex_);
    holders_.erase(server);
    std::erase_if(open_, [&](const auto& entry) { return entry.first == server; });
}

void Sessions::hold(const std::string& server, Connection lockHolder) {
    const std::lock_guard lock(mutex_);
    holders_.insert_or_assign(server, std::move(lockHolder));
}

std::optional<Connection> Sessions::takeHolder(const std::string& server) {
    const std::lock_guard lock(mutex_);
    const auto found = holders_.find(server);
    if (found == holders_.end()) return std::nullopt;
    std::optional<Connection> holder = std::move(found->second);
    holders_.erase(found);
    return holder;
}

bool Sessions::isHeld(const std::string& server) {
    const std::lock_guard lock(mutex_);
    const auto found = holders_.find(server);
    return found != holders_.end() && found->second.usable();
}

void Sessions::open(const std::string& server, uint64_t id) {
    const std::lock_guard lock(mutex_);
    open_.emplace(server, id);
}

void Sessions::closed(const std::string& server, uint64_t id) {
    const std::lock_guard lock(mutex_);
    open_.erase({server, id});
}

std::set<uint64_t> Sessions::ours(const std::string& server) {
    const std::lock_guard lock(mutex_);
    std::set<uint64_t> ids;
    for (const auto& [owner, id] : open_)
        if (owner == server) ids.insert(id);
    return ids;
}

Session::~Session() {
    if (connection_ && sessions_) sessions_->giveIdle(server_, std::move(*connection_));
}

Connection Session::release() {
    Connection released = std::move(*connection_);
    connection_.reset();
    return released;
}

Result<Instance> Instance::open(const DatabaseSpec& spec, const Context& context, std::shared_ptr<Sessions> sessions) {
    Instance instance;
    TRY_VOID(instance.settle(spec, context));
    instance.sessions_ = std::move(sessions);
    if (instance.user_.uid == 0)
        return fail(ErrorCode::Unsupported, "MariaDB must not run as root, and " + spec.service.data + " is root's",
                    "Give the data directory to the service's user, or set run_as.");
    instance.service_ =
        TRY(makeServiceManager({spec.service, spec.address, instance.user(), instance.stateDirectory(),
                                instance.logFile(), instance.program("mariadbd"), instance.ownOptionFile()}));
    return instance;
}

std::string Instance::socket() const {
    return spec_.service.socket.empty() ? defaultSocket : spec_.service.socket;
}

std::string Instance::program(std::string_view name) const {
    // Debian has the server in /usr/sbin and the tools in /usr/bin: only one of them can be the definition's directory.
    const std::string wanted = name == "mariadbd" && spec_.engine == Engine::mysql ? "mysqld" : std::string(name);
    std::vector<std::string> directories;
    if (const std::string& bin = spec_.service.bin; !bin.empty())
        directories = {bin, bin + "/../sbin", bin + "/../bin"};
    directories.insert(directories.end(), {"/usr/sbin", "/usr/bin", "/usr/local/bin"});
    for (const auto& directory : directories)
        if (fileExists(directory + "/" + wanted)) return directory + "/" + wanted;
    return wanted;
}

bool Instance::hasData() const {
    return directoryExists(data() + "/mysql") && fileExists(data() + "/ibdata1");
}

std::optional<ProcessIdentity> Instance::server() const {
    return findServer(data(), socket());
}

std::string Instance::optionFile() const {
    if (!spec_.service.config.empty()) return spec_.service.config;
    return spec_.service.manage == Manage::systemd ? defaultOptionFile : "";
}

Options Instance::ownOptions() const {
    return optionsOf(readFile(ownOptionFile(), optionFileBytesMax).value_or(""));
}

Result<void> Instance::writeOwnOptions(const Options& options) const {
    const std::string text = optionText(options);
    if (readFile(ownOptionFile(), optionFileBytesMax).value_or("") != text)
        TRY_VOID(writeFileAtomically(ownOptionFile(), text, 0644));
    TRY_VOID(openTheWay(state_, user_));
    if (optionFile().empty()) return {};
    const std::string path = resolved(optionFile());
    const std::string before = TRY(readFile(path, optionFileBytesMax));
    if (includes(before, ownOptionFile())) return {};
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return fail(ErrorCode::StorageFailed, path + " cannot be read");
    return writeFileAs(TRY(ownerOf(path)), path, withInclude(before, ownOptionFile()), status.st_mode & 0777);
}

OsUser Instance::superuserAccount() const {
    // unix_socket authentication: the operating-system user of that name, or the service's, which owns all files
    // anyway.
    const auto named = osUserByName(spec_.service.superuser);
    return named ? *named : user_;
}

Result<Connection> Instance::connect(const Context& context) const {
    Endpoint endpoint;
    endpoint.socket = socket();
    endpoint.user = spec_.service.superuser;
    Connection connection = TRY(Connection::open(endpoint, superuserAccount(), context.deadline));
    TRY_VOID(connection.execute(sessionSettings, context.deadline));
    sessions_->open(sessionsKey(), connection.id());
    return connection;
}

Result<Session> Instance::session(const Context& context) const {
    if (auto idle = sessions_->takeIdle(sessionsKey())) return Session(sessions_, sessionsKey(), std::move(*idle));
    return Session(sessions_, sessionsKey(), TRY(connect(context)));
}

SourceAddress Instance::sourceAddress(const Peer& peer) const {
    const TlsDirectory files = tls();
    return {peer.host,
            peer.port,
            std::string(replicationUser),
            files.file("authority.pem"),
            files.file("client.pem"),
            files.file("client.key")};
}

Result<Connection> Instance::peerConnection(const Peer& peer, MonotonicMs deadline) const {
    const SourceAddress source = sourceAddress(peer);
    Endpoint endpoint;
    endpoint.host = source.host;
    endpoint.port = source.port;
    endpoint.user = source.user;
    endpoint.authorityFile = source.authorityFile;
    endpoint.certificateFile = source.certificateFile;
    endpoint.keyFile = source.keyFile;
    return Connection::open(endpoint, user_, deadline);
}

ProgramCall Instance::programCall(std::string_view name, std::vector<std::string> arguments) const {
    return callAs(user(), program(name), std::move(arguments));
}

Result<Session> Instance::awaitConnection(const Context& context) const {
    constexpr int64_t gonePatienceMs = 2000;  // a process that was just launched has not written its pid file yet
    const MonotonicMs patience = SystemClock().monotonic() + gonePatienceMs;
    for (;;) {
        auto session = this->session(context);
        if (session) return session;
        if (context.remainingMs() == 0)
            return fail(ErrorCode::DeadlineExceeded,
                        "the server in " + data() + " does not accept connections: " + session.error().message);
        if (SystemClock().monotonic() > patience && !server())
            return fail(ErrorCode::DatabaseFailed,
                        "the server in " + data() + " did not come up (" + session.error().message +
                            "): " + endOfLog(logFile()),
                        "See the server's log.");
        pause(5);
    }
}

Result<Session> Instance::startAndConnect(const Context& context) const {
    sessions_->forget(sessionsKey());
    TRY_VOID(service_->start(context));
    return awaitConnection(context);
}

Result<Session> Instance::startedSession(const Context& context) const {
    return server() ? session(context) : startAndConnect(context);
}

Result<Session> Instance::restartAndConnect(const Context& context) const {
    sessions_->forget(sessionsKey());
    TRY_VOID(service_->stop(context));
    return startAndConnect(context);
}

}  // namespace swb::driver::mariadb
