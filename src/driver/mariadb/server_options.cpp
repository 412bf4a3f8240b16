#include "driver/mariadb/server_options.h"
#include "model/group.h"

#include <algorithm>
#include <cstdlib>

namespace swb::driver::mariadb {

namespace {

constexpr const char* withdrawnNames[] = {"read_only", "super_read_only", "event_scheduler",
                                          "ssl_ca",    "ssl_cert",        "ssl_key"};

constexpr const char* logKeptSeconds = "259200";  // three days: a weekend's cut and some

constexpr const char* parallelAppliers = "4";

void setTls(const Instance& instance, Options& options) {
    const TlsDirectory tls = instance.tls();
    setOption(options, "ssl_ca", tls.file("authority.pem"));
    setOption(options, "ssl_cert", tls.file("server.pem"));
    setOption(options, "ssl_key", tls.file("server.key"));
}

std::string appliersOf(const Instance& instance) {
    return instance.dialect().engine() == Engine::mysql ? "replica_parallel_workers" : "slave_parallel_threads";
}

// Of settings that a running server takes.
constexpr const char* dynamicNames[] = {"server_id",
                                        "binlog_format",
                                        "gtid_strict_mode",
                                        "sync_binlog",
                                        "innodb_flush_log_at_trx_commit",
                                        "slave_net_timeout",
                                        "replica_net_timeout",
                                        "binlog_expire_logs_seconds"};

Result<void> applyDynamic(Connection& connection, const Options& options, const Context& context) {
    for (const char* name : dynamicNames) {
        const auto wanted = optionIn(options, name);
        if (!wanted) continue;
        const std::string now = TRY(connection.value("SELECT @@GLOBAL." + std::string(name), context.deadline));
        const std::string value = *wanted == "ON" ? "1" : *wanted;
        const bool number = value.find_first_not_of("0123456789") == std::string::npos;
        if (now != value)
            TRY_VOID(connection.execute(
                "SET GLOBAL " + std::string(name) + " = " + (number ? value : connection.literal(value)),
                context.deadline));
    }
    return {};
}

}  // namespace

int64_t chosenServerId(const Instance& instance, std::string_view application, int64_t other) {
    uint32_t hash = 2166136261U;  // FNV-1a
    const auto mix = [&hash](std::string_view text) {
        for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619U;
    };
    mix(application);
    mix(instance.spec().name);
    mix(instance.spec().address.host);
    mix(std::to_string(instance.spec().address.port));
    int64_t id = hash;
    while (id < 2 || id == other) ++id;
    return id;
}

Options preparedOptions(const Instance& instance, int64_t serverId, std::string_view application, bool makesLog) {
    Options options = instance.ownOptions();
    setOption(options, "server_id", std::to_string(serverId));
    if (makesLog) {
        setOption(options, "log_bin", "swingbridge-bin");
        // A log that nobody had asked for must not fill the disk. A replica that is away for longer is seeded again.
        if (!optionIn(options, "binlog_expire_logs_seconds"))
            setOption(options, "binlog_expire_logs_seconds", logKeptSeconds);
    }
    setOption(options, "binlog_format", "ROW");
    setOption(options, "sync_binlog", "1");
    setOption(options, "innodb_flush_log_at_trx_commit", "1");
    for (const auto& [name, value] : instance.dialect().options()) setOption(options, name, value);
    if (!application.empty()) setOption(options, "report_host", Link::slotFor(application));
    setOption(options, "report_port", std::to_string(instance.spec().address.port));
    setOption(options, "read_only", "ON");
    setOption(options, "event_scheduler", "OFF");
    setTls(instance, options);
    return options;
}

Result<std::vector<std::string>> prepareOptions(const Instance& instance, Connection& connection,
                                                std::string_view application, int64_t otherServerId,
                                                const Context& context) {
    const bool mysql = instance.dialect().engine() == Engine::mysql;
    const std::string logsUpdates = mysql ? "log_replica_updates" : "log_slave_updates";
    const std::string appliers = appliersOf(instance);
    const Rows rows =
        TRY(connection.query("SELECT @@GLOBAL.server_id AS id, @@GLOBAL.log_bin AS log, @@GLOBAL." + logsUpdates +
                                 " AS updates, @@GLOBAL.report_host AS host, @@GLOBAL." + appliers + " AS appliers",
                             context.deadline));
    const Row& now = rows.at(0);
    const bool makesLog = now.at("log") != "1" || optionIn(instance.ownOptions(), "log_bin").has_value();
    // A number that somebody chose stays.
    const int64_t own = std::atoll(now.at("id").c_str());
    const int64_t id = own > 1 && own != otherServerId ? own : chosenServerId(instance, application, otherServerId);
    Options options = preparedOptions(instance, id, application, makesLog);
    // From its next start, or when it begins to follow.
    if (now.at("appliers") == "0") setOption(options, appliers, parallelAppliers);
    TRY_VOID(instance.writeOwnOptions(options));
    std::vector<std::string> restart;
    if (now.at("log") != "1") restart.emplace_back("log_bin");
    if (now.at("updates") != "1") restart.push_back(logsUpdates);
    // A running server reaches it only by steps, each of which all of its replicas must have taken.
    if (mysql && TRY(connection.value("SELECT @@GLOBAL.gtid_mode", context.deadline)) != "ON")
        restart.emplace_back("gtid_mode");
    if (!TRY(showsOurCertificate(instance, connection, context))) restart.emplace_back("ssl_cert");
    TRY_VOID(applyDynamic(connection, options, context));
    return restart;
}

Result<void> applyInParallel(const Instance& instance, Connection& connection, const Context& context) {
    const std::string appliers = appliersOf(instance);
    if (TRY(connection.value("SELECT @@GLOBAL." + appliers, context.deadline)) != "0") return {};
    TRY_VOID(connection.execute("SET GLOBAL " + appliers + " = " + parallelAppliers, context.deadline));
    Options options = instance.ownOptions();
    setOption(options, appliers, parallelAppliers);
    return instance.writeOwnOptions(options);
}

Result<void> writeTlsOptions(const Instance& instance) {
    Options options = instance.ownOptions();
    setTls(instance, options);
    return instance.writeOwnOptions(options);
}

Result<void> withdrawOptions(const Instance& instance) {
    Options options = instance.ownOptions();
    std::erase_if(options, [](const auto& option) {
        return std::find(std::begin(withdrawnNames), std::end(withdrawnNames), option.first) !=
               std::end(withdrawnNames);
    });
    return instance.writeOwnOptions(options);
}

Result<bool> showsOurCertificate(const Instance& instance, Connection& connection, const Context& context) {
    const Rows rows = TRY(
        connection.query("SELECT @@GLOBAL.ssl_cert AS certificate, @@GLOBAL.ssl_ca AS authority", context.deadline));
    return rows.at(0).at("certificate") == instance.tls().file("server.pem") &&
           rows.at(0).at("authority") == instance.tls().file("authority.pem");
}

}  // namespace swb::driver::mariadb
