#include "driver/postgresql/site_configuration.h"

#include <charconv>
#include <cstdio>

#include "base/file.h"
#include "driver/postgresql/auto_conf.h"
#include "driver/postgresql/rejoin.h"
#include "driver/support/files.h"

namespace swb::driver::postgresql {

namespace {

constexpr const char* keptName = "site-configuration";
constexpr const char* files[] = {"postgresql.conf", "pg_hba.conf", "pg_ident.conf", "postgresql.auto.conf"};
constexpr const char* includedDirectory = "conf.d";

bool configuredElsewhere(const Instance& instance) {
    return instance.configurationDirectory() != instance.data();
}

Result<void> writeInto(const Instance& instance, const std::string& directory, std::string_view name,
                       std::string_view content) {
    return writeFileAs(instance.user(), directory + "/" + std::string(name), content, 0600);
}

Result<void> copyTree(const Instance& instance, const std::string& from, const std::string& into,
                      const Context& context) {
    auto call = instance.programCall("", {});
    call.argv = {"cp", "-a", from, into + "/"};
    TRY(runChecked(call, context));
    return {};
}

// Empty when it does not exist. Everything kept is the service user's: it is read and written as that user.
Result<std::string> readKept(const Instance& instance, const std::string& path) {
    const ActAs acting(instance.user());
    return fileExists(path) ? readFile(path) : Result<std::string>(std::string());
}

// The replica must allow at least what the primary allows, or it stops replaying. The copy's control file has the
// primary's values; the site's own configuration may have lower ones.
Result<std::string> withPrimaryLimits(const Instance& instance, const std::string& directory, std::string autoConf,
                                      const Context& context) {
    const ControlFile control = TRY(readControlFile(directory));
    const std::pair<const char*, int32_t> limits[] = {{"max_connections", control.maxConnections},
                                                      {"max_worker_processes", control.maxWorkerProcesses},
                                                      {"max_wal_senders", control.maxWalSenders},
                                                      {"max_prepared_transactions", control.maxPreparedTransactions},
                                                      {"max_locks_per_transaction", control.maxLocksPerTransaction}};
    for (const auto& [name, atLeast] : limits) {
        const std::string text = TRY(configuredValue(instance, directory, name, context));
        int32_t value = 0;
        std::from_chars(text.data(), text.data() + text.size(), value);
        if (value < atLeast) autoConf = withAutoConfValue(autoConf, name, std::to_string(atLeast));
    }
    return autoConf;
}

// A site without configuration of its own gets its address on top of the primary's.
std::string withSiteAddress(const Instance& instance, std::string autoConf) {
    autoConf = withAutoConfValue(autoConf, "port", std::to_string(instance.spec().address.port));
    autoConf = withAutoConfValue(autoConf, "listen_addresses", instance.spec().address.host);
    return withAutoConfValue(autoConf, "unix_socket_directories", instance.socketDirectory());
}

// The site's files over the copy's; answers its postgresql.auto.conf.
Result<std::string> putFiles(const Instance& instance, const std::string& kept, const std::string& directory,
                             const Context& context) {
    const std::string autoConf = TRY(readKept(instance, kept + "/postgresql.auto.conf"));
    if (TRY(readKept(instance, kept + "/postgresql.conf")).empty()) {
        if (configuredElsewhere(instance)) return autoConf;
        return withSiteAddress(instance, TRY(readKept(instance, directory + "/postgresql.auto.conf")));
    }
    for (const char* name : files)
        if (const std::string content = TRY(readKept(instance, kept + "/" + name)); !content.empty())
            TRY_VOID(writeInto(instance, directory, name, content));
    TRY_VOID(removeTree(directory + "/" + includedDirectory));
    if (directoryExists(kept + "/" + includedDirectory))
        TRY_VOID(copyTree(instance, kept + "/" + includedDirectory, directory, context));
    return autoConf;
}

}  // namespace

Result<void> keepSiteConfiguration(const Instance& instance, const Context& context) {
    const std::string kept = instance.stateFile(keptName), partial = kept + ".part";
    // A copy that is only half made, or a site without data, has nothing to say.
    if (!instance.hasData()) return {};
    TRY_VOID(makeDirectoryFor(instance.user(), partial));
    for (const char* name : files)
        if (const std::string content = TRY(instance.readDataFile(name)); !content.empty())
            TRY_VOID(writeInto(instance, partial, name, content));
    if (directoryExists(instance.dataFile(includedDirectory)))
        TRY_VOID(copyTree(instance, instance.dataFile(includedDirectory), partial, context));
    TRY_VOID(removeTree(kept));
    if (::rename(partial.c_str(), kept.c_str()) != 0)
        return fail(ErrorCode::StorageFailed, partial + " cannot be renamed to " + kept);
    return flushDirectory(instance.stateDirectory());
}

void dropKeptConfiguration(const Instance& instance) {
    (void)removeTree(instance.stateFile(keptName));
}

std::vector<std::string> serverArguments(const Instance& instance, const std::string& directory) {
    return {"-D", configuredElsewhere(instance) ? instance.configurationDirectory() : directory, "-c",
            "data_directory=" + directory};
}

Result<std::string> configuredValue(const Instance& instance, const std::string& directory, const char* name,
                                    const Context& context) {
    auto arguments = serverArguments(instance, directory);
    arguments.insert(arguments.end(), {"-C", name});
    std::string text = TRY(runChecked(instance.programCall("postgres", std::move(arguments)), context)).output;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

Result<void> putSiteConfiguration(const Instance& instance, const SeedPlaces& places, const Peer& peer,
                                  std::string_view slot, const Context& context) {
    const std::string& directory = places.fresh;
    std::string autoConf = TRY(putFiles(instance, instance.stateFile(keptName), directory, context));
    for (const auto& [name, file] :
         {std::pair{"ssl_cert_file", "server.pem"}, {"ssl_key_file", "server.key"}, {"ssl_ca_file", "authority.pem"}})
        autoConf = withAutoConfValue(autoConf, name, instance.tls().file(file));
    autoConf = withAutoConfValue(autoConf, "ssl", "on");
    autoConf = withAutoConfValue(autoConf, "hot_standby", "on");
    autoConf = withAutoConfValue(autoConf, "primary_conninfo", instance.primaryConnectionInfo(peer, slot));
    autoConf = withAutoConfValue(autoConf, "primary_slot_name", std::string(slot));
    autoConf = withAutoConfValue(autoConf, "recovery_target_timeline", "latest");
    autoConf = withAutoConfValue(autoConf, "wal_retrieve_retry_interval", "100ms");
    TRY_VOID(writeInto(instance, directory, "postgresql.auto.conf", autoConf));
    autoConf = TRY(withPrimaryLimits(instance, directory, autoConf, context));
    TRY_VOID(writeInto(instance, directory, "postgresql.auto.conf", autoConf));
    return writeInto(instance, directory, "standby.signal", "");
}

}  // namespace swb::driver::postgresql
