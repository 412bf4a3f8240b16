#include "driver/postgresql/instance.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/fd.h"
#include "base/file.h"
#include "driver/postgresql/auto_conf.h"
#include "driver/postgresql/managers.h"
#include "driver/support/files.h"

namespace swb::driver::postgresql {

namespace {

// Settings of every session of ours: bounded, local, not led astray by the role's or database's own settings. A commit
// of ours (a role, a slot) must not wait for a synchronous replica that is away.
constexpr std::string_view sessionOptions =
    "-c statement_timeout=30000 -c lock_timeout=5000 -c search_path=pg_catalog -c synchronous_commit=local -c jit=off "
    "-c default_transaction_read_only=off -c idle_in_transaction_session_timeout=30000";

// libpq's connection strings: single quotes, backslash before quote and backslash.
std::string connectionWord(std::string_view key, std::string_view value) {
    std::string word(key);
    word += "='";
    for (const char c : value) {
        if (c == '\'' || c == '\\') word += '\\';
        word += c;
    }
    return word + "'";
}

}  // namespace

std::string Instance::joined(const Parameters& parameters) {
    std::string text;
    for (const auto& [key, value] : parameters) text += (text.empty() ? "" : " ") + connectionWord(key, value);
    return text;
}

Result<Instance> Instance::open(const DatabaseSpec& spec, const Context& context, ConnectionPool& pool) {
    Instance instance;
    TRY_VOID(instance.settle(spec, context));
    if (instance.spec_.service.superuser.empty()) instance.spec_.service.superuser = "postgres";
    instance.pool_ = &pool;
    if (instance.user_.uid == 0)
        return fail(ErrorCode::Unsupported, "PostgreSQL does not run as root, and " + spec.service.data + " is root's",
                    "Give the data directory to the service's user, or set run_as.");
    instance.service_ =
        makeServiceManager({spec.service, instance.user(), instance.stateDirectory(), instance.logFile()});
    return instance;
}

std::string Instance::socketDirectory() const {
    return spec_.service.socket.empty() ? "/var/run/postgresql" : spec_.service.socket;
}

std::string Instance::configurationDirectory() const {
    return spec_.service.manage == Manage::pg_ctlcluster ? clusterConfigurationDirectory(spec_.service) : data();
}

std::string Instance::program(std::string_view name) const {
    return (spec_.service.bin.empty() ? "" : spec_.service.bin + "/") + std::string(name);
}

bool Instance::hasData() const {
    return fileExists(dataFile("PG_VERSION")) && fileExists(dataFile("global/pg_control"));
}

std::optional<ProcessIdentity> Instance::postmaster() const {
    return findPostmaster(data());
}

bool Instance::standbySignal() const {
    return fileExists(dataFile("standby.signal"));
}

Result<void> Instance::putStandbySignal(bool flush) const {
    const std::string path = dataFile("standby.signal");
    {
        const ActAs acting(user_);
        const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!file.valid() || (flush && ::fsync(file.get()) != 0))
            return fail(ErrorCode::StorageFailed, path + " cannot be written: " + std::strerror(errno));
    }
    return flush ? flushDirectory(data()) : Result<void>();
}

Result<void> Instance::removeStandbySignal() const {
    const ActAs acting(user_);
    return removeFile(dataFile("standby.signal"));
}

Result<std::string> Instance::readDataFile(std::string_view name) const {
    const ActAs acting(user_);
    const std::string path = dataFile(name);
    if (!fileExists(path)) return std::string();
    return readFile(path);
}

Result<void> Instance::writeDataFile(std::string_view name, std::string_view content) const {
    return writeFileAs(user_, dataFile(name), content, 0600);
}

Result<void> Instance::editAutoConf(
    const std::vector<std::pair<std::string, std::optional<std::string>>>& settings) const {
    const std::string before = TRY(readDataFile("postgresql.auto.conf"));
    std::string text = before;
    for (const auto& [name, value] : settings)
        if (autoConfValue(text, name) != value) text = withAutoConfValue(text, name, value);
    return text == before ? Result<void>() : writeDataFile("postgresql.auto.conf", text);
}

std::optional<std::string> Instance::autoConfSetting(std::string_view name) const {
    return autoConfValue(readDataFile("postgresql.auto.conf").value_or(""), name);
}

std::string Instance::poolKey() const {
    return socketDirectory() + ":" + std::to_string(spec_.address.port);
}

Result<Connection> Instance::connect(const std::string& database, const Context& context) const {
    return Connection::open({{"host", socketDirectory()},
                             {"port", std::to_string(spec_.address.port)},
                             {"user", spec_.service.superuser},
                             {"dbname", database},
                             {"application_name", "swing-agent"},
                             {"options", std::string(sessionOptions)},
                             {"gssencmode", "disable"},
                             {"sslmode", "disable"}},
                            user_, context.deadline);
}

Result<Session> Instance::session(const Context& context) const {
    if (auto idle = pool_->take(poolKey())) return Session(*pool_, poolKey(), std::move(*idle));
    return Session(*pool_, poolKey(), TRY(connect("postgres", context)));
}

// Our role at a peer, both ends verified by certificates of one authority.
Parameters Instance::peerParameters(const Peer& peer) const {
    return {{"host", peer.host},
            {"port", std::to_string(peer.port)},
            {"user", std::string(replicationRole)},
            {"sslmode", "verify-full"},
            {"sslrootcert", tls().file("authority.pem")},
            {"sslcert", tls().file("client.pem")},
            {"sslkey", tls().file("client.key")},
            {"gssencmode", "disable"}};
}

std::string Instance::primaryConnectionInfo(const Peer& peer, std::string_view slot) const {
    Parameters parameters = peerParameters(peer);
    parameters.insert(parameters.begin() + 3, {"application_name", std::string(slot)});
    parameters.insert(
        parameters.end(),
        {{"connect_timeout", "3"}, {"keepalives_idle", "5"}, {"keepalives_interval", "2"}, {"keepalives_count", "3"}});
    return joined(parameters);
}

Result<Connection> Instance::replicationConnection(const Peer& peer, MonotonicMs deadline) const {
    Parameters parameters = peerParameters(peer);
    parameters.insert(parameters.end(),
                      {{"dbname", "replication"}, {"replication", "true"}, {"application_name", "swing-agent"}});
    return Connection::open(parameters, user_, deadline);
}

// What a role or database sets must not end a copy that takes minutes: options of the connection come last.
Parameters Instance::rewindParameters(const Peer& peer) const {
    Parameters parameters = peerParameters(peer);
    parameters.insert(parameters.end(), {{"dbname", "postgres"},
                                         {"application_name", "swing-agent-rewind"},
                                         {"connect_timeout", "10"},
                                         {"options",
                                          "-c statement_timeout=0 -c lock_timeout=0 "
                                          "-c idle_in_transaction_session_timeout=0 -c search_path=pg_catalog "
                                          "-c default_transaction_read_only=off"}});
    return parameters;
}

Result<Connection> Instance::rewindConnection(const Peer& peer, MonotonicMs deadline) const {
    return Connection::open(rewindParameters(peer), user_, deadline);
}

ProgramCall Instance::programCall(std::string_view name, std::vector<std::string> arguments) const {
    return callAs(user(), program(name), std::move(arguments));
}

Result<Session> Instance::awaitConnection(const Context& context) const {
    constexpr int64_t gonePatienceMs = 1500;  // a process that was just launched has not written postmaster.pid yet
    const MonotonicMs patience = SystemClock().monotonic() + gonePatienceMs;
    for (;;) {
        auto session = this->session(context);
        if (session) return session;
        if (context.remainingMs() == 0)
            return fail(ErrorCode::DeadlineExceeded,
                        "the server in " + data() + " does not accept connections: " + session.error().message);
        if (SystemClock().monotonic() > patience && !postmaster())
            return fail(ErrorCode::DatabaseFailed,
                        "the server in " + data() + " did not come up: " + endOfLog(logFile()),
                        "See the server's log.");
        pause(3);
    }
}

Result<Session> Instance::startAndConnect(const Context& context) const {
    pool_->forget(poolKey());
    TRY_VOID(service_->start(context));
    return awaitConnection(context);
}

}  // namespace swb::driver::postgresql
