#include "driver/postgresql/seed.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "base/fault.h"
#include "base/fd.h"
#include "base/file.h"
#include "driver/postgresql/auto_conf.h"
#include "driver/postgresql/facts.h"
#include "driver/postgresql/hba_block.h"
#include "driver/postgresql/rejoin.h"
#include "driver/postgresql/tls.h"
#include "driver/support/files.h"
#include "driver/support/seed_places.h"

namespace swb::driver::postgresql {

namespace {

constexpr const char* seedRecord = "seed";
constexpr const char* phaseCopying = "copying";
constexpr const char* phaseReady = "ready";      // the copy is complete and has this site's configuration
constexpr const char* phaseSwapped = "swapped";  // it has become the data directory

using Places = SeedPlaces;

// The copy's size is not known before it runs; the source's current one, plus room for WAL meanwhile, is near enough.
Result<void> checkSpace(const Places& places, int64_t wantedBytes) {
    constexpr int64_t walRoomBytes = 64 << 20;
    return wantedBytes > 0 ? places.requireRoom(wantedBytes + wantedBytes / 20 + walRoomBytes) : Result<void>();
}

// Watches pg_basebackup's progress lines, ends the copy early when the disk cannot hold it.
class ProgressWatch {
  public:
    ProgressWatch(const Context& context, const Places& places) : context_(context), places_(places) {}

    void take(std::string_view piece) {
        for (const char c : piece) {
            if (c != '\r' && c != '\n') {
                if (line_.size() < 1000) line_ += c;
                continue;
            }
            if (const auto progress = parseBackupProgress(line_)) report(*progress);
            line_.clear();
        }
    }
    bool tooLarge() const { return tooLarge_; }
    int64_t totalBytes() const { return totalBytes_; }

  private:
    void report(const BackupProgress& progress) {
        if (totalBytes_ == 0 && progress.totalBytes > 0)
            tooLarge_ = !checkSpace(places_, progress.totalBytes - progress.doneBytes);
        totalBytes_ = progress.totalBytes;
        context_.progress(progress.doneBytes, progress.totalBytes, "copying the primary's data");
    }
    const Context& context_;
    const Places& places_;
    std::string line_;
    int64_t totalBytes_ = 0;
    bool tooLarge_ = false;
};

// Who may still use the slot: this site's former replica, and a base backup whose agent was killed. The old data goes
// on answering reads.
Result<void> freeSlot(const Instance& instance, const Places& places, const Context& context) {
    for (const auto& leftover : processesWithArgument("--pgdata=" + places.fresh)) {
        sendSignal(leftover, SIGKILL);
        (void)awaitExit(leftover, within(context, 1000));
    }
    if (!instance.postmaster()) return {};
    auto session = instance.session(withDeadline(context, within(context, 2000)));
    const auto follows = session ? (*session)->value("SELECT pg_is_in_recovery()", context.deadline)
                                 : Result<std::string>(std::string());
    // One that does not answer is stopped: it is about to be replaced.
    if (!session) return instance.service().stop(context);
    if (!follows || *follows != "t") return {};
    TRY_VOID(changeSettings(instance, {{"primary_conninfo", ""}}, context));
    while (TRY((*session)->value("SELECT count(*) FROM pg_stat_wal_receiver", context.deadline)) != "0") {
        if (context.remainingMs() == 0) return fail(ErrorCode::DeadlineExceeded, "the former replica does not let go");
        pause(5);
    }
    return {};
}

Result<void> copy(const Instance& instance, const Places& places, const Peer& peer, std::string_view slot,
                  const Context& context) {
    TRY_VOID(places.make(places.fresh, instance.user()));
    ProgressWatch watch(context, places);
    // No secret is in the connection string: the key is a file.
    auto call = instance.programCall(
        "pg_basebackup", {"--pgdata=" + places.fresh, "--dbname=" + instance.primaryConnectionInfo(peer, slot),
                          "--wal-method=stream", "--slot=" + std::string(slot), "--checkpoint=fast",
                          "--manifest-checksums=SHA256", "--progress", "--verbose", "--no-password", "--no-sync"});
    call.onOutput = [&watch](std::string_view piece) { watch.take(piece); };
    Context copying = context;
    copying.cancelled = [&] { return context.cancelled() || watch.tooLarge(); };
    const auto outcome = runChecked(call, copying);
    if (watch.tooLarge()) return checkSpace(places, watch.totalBytes());
    if (!outcome) return fail(outcome.error().within("the base backup failed"));
    faultPoint("seed", instance.spec().name, "copied");
    context.progress(watch.totalBytes(), watch.totalBytes(), "verifying the copy");
    auto verify = instance.programCall("pg_verifybackup", {"--quiet", places.fresh});
    // pg_waldump, which it calls, is found beside it.
    auto verified = runChecked(verify, context);
    if (!verified) return fail(verified.error().within("the copy is not complete"));
    return {};
}

Result<void> writeInto(const Instance& instance, const std::string& directory, std::string_view name,
                       std::string_view content) {
    return writeFileAs(instance.user(), directory + "/" + std::string(name), content, 0600);
}

// The replica must allow at least what the primary allows, or it stops replaying. The copy's control file has the
// primary's values; the site's own configuration may have lower ones.
Result<std::string> withPrimaryLimits(const Instance& instance, const Places& places, std::string autoConf,
                                      const Context& context) {
    const ControlFile control = TRY(readControlFile(places.fresh));
    const std::pair<const char*, int32_t> limits[] = {{"max_connections", control.maxConnections},
                                                      {"max_worker_processes", control.maxWorkerProcesses},
                                                      {"max_wal_senders", control.maxWalSenders},
                                                      {"max_prepared_transactions", control.maxPreparedTransactions},
                                                      {"max_locks_per_transaction", control.maxLocksPerTransaction}};
    for (const auto& [name, atLeast] : limits) {
        const std::string configuration =
            instance.configurationDirectory() == instance.data() ? places.fresh : instance.configurationDirectory();
        auto asked =
            instance.programCall("postgres", {"-D", configuration, "-c", "data_directory=" + places.fresh, "-C", name});
        const auto outcome = TRY(runChecked(asked, context));
        int32_t value = 0;
        std::from_chars(outcome.output.data(), outcome.output.data() + outcome.output.size(), value);
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

// Port, addresses, socket, hba and every other local choice are the site's, not the primary's.
Result<void> putSiteConfiguration(const Instance& instance, const Places& places, const Peer& peer,
                                  std::string_view slot, const Context& context) {
    const bool hadConfiguration = fileExists(instance.dataFile("postgresql.conf"));
    const bool configuredElsewhere = instance.configurationDirectory() != instance.data();
    if (hadConfiguration) {
        for (const char* name : {"postgresql.conf", "pg_hba.conf", "pg_ident.conf"}) {
            const std::string content = TRY(instance.readDataFile(name));
            if (!content.empty()) TRY_VOID(writeInto(instance, places.fresh, name, content));
        }
        for (const char* directory : {"conf.d"})
            if (directoryExists(instance.dataFile(directory))) {
                auto call = instance.programCall("", {});
                call.argv = {"cp", "-a", instance.dataFile(directory), places.fresh + "/"};
                TRY(runChecked(call, context));
            }
    }
    std::string autoConf;
    if (hadConfiguration || configuredElsewhere) {
        autoConf = TRY(instance.readDataFile("postgresql.auto.conf"));
        TRY_VOID(writeInto(instance, places.fresh, "postgresql.auto.conf", autoConf));
    } else {
        const ActAs acting(instance.user());
        autoConf = withSiteAddress(instance, TRY(readFile(places.fresh + "/postgresql.auto.conf")));
    }
    for (const auto& [name, file] :
         {std::pair{"ssl_cert_file", "server.pem"}, {"ssl_key_file", "server.key"}, {"ssl_ca_file", "authority.pem"}})
        autoConf = withAutoConfValue(autoConf, name, instance.tls().file(file));
    autoConf = withAutoConfValue(autoConf, "ssl", "on");
    autoConf = withAutoConfValue(autoConf, "hot_standby", "on");
    autoConf = withAutoConfValue(autoConf, "primary_conninfo", instance.primaryConnectionInfo(peer, slot));
    autoConf = withAutoConfValue(autoConf, "primary_slot_name", std::string(slot));
    autoConf = withAutoConfValue(autoConf, "recovery_target_timeline", "latest");
    autoConf = withAutoConfValue(autoConf, "wal_retrieve_retry_interval", "100ms");
    TRY_VOID(writeInto(instance, places.fresh, "postgresql.auto.conf", autoConf));
    autoConf = TRY(withPrimaryLimits(instance, places, autoConf, context));
    TRY_VOID(writeInto(instance, places.fresh, "postgresql.auto.conf", autoConf));
    return writeInto(instance, places.fresh, "standby.signal", "");
}

Result<void> writePhase(const Instance& instance, const char* phase, const Peer& peer, std::string_view slot,
                        int64_t bytes) {
    TRY_VOID(instance.writeRecord(
        seedRecord,
        JsonObject{{"phase", phase}, {"host", peer.host}, {"port", peer.port}, {"slot", slot}, {"bytes", bytes}}));
    faultPoint("seed", instance.spec().name, phase);
    return {};
}

bool recordFits(const Json& record, const Peer& peer, std::string_view slot) {
    return textAt(record, "host") == peer.host && integerAt(record, "port") == peer.port &&
           textAt(record, "slot") == slot;
}

Result<Json> finish(const Instance& instance, const Places& places, const Peer& peer, double start, int64_t bytes,
                    const Context& context) {
    context.progress(bytes, bytes, "starting the replica");
    TRY_VOID(instance.service().unmask(context));
    auto session = TRY(instance.startAndConnect(context));
    TRY_VOID(awaitStreaming(instance, *session, peer, 0, context));
    const Rows rows = TRY(session->query(
        "SELECT (SELECT system_identifier FROM pg_control_system()), pg_last_wal_replay_lsn()", context.deadline));
    TRY_VOID(removeTree(places.old));
    TRY_VOID(removeTree(places.fresh));
    TRY_VOID(instance.removeRecord("rejoin"));
    TRY_VOID(instance.removeRecord("switch"));
    TRY_VOID(instance.removeRecord(seedRecord));
    return JsonObject{{"bytes", bytes},
                      {"seconds", (preciseMs() - start) / 1000},
                      {"systemId", rows.at(0).at(0).value_or("")},
                      {"position", rows.at(0).at(1).value_or("")}};
}

}  // namespace

std::optional<BackupProgress> parseBackupProgress(std::string_view line) {
    const auto takeNumber = [&line]() -> std::optional<int64_t> {
        int64_t number = 0;
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
        if (error != std::errc() || number < 0 || number > INT64_MAX / 1024) return std::nullopt;
        line.remove_prefix(static_cast<size_t>(end - line.data()));
        return number;
    };
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const auto done = takeNumber();
    if (!done || line.empty() || line.front() != '/') return std::nullopt;
    line.remove_prefix(1);
    const auto total = takeNumber();
    if (!total || line.substr(0, 3) != " kB") return std::nullopt;
    return BackupProgress{*done * 1024, *total * 1024};
}

Result<Json> seed(const Instance& instance, const Peer& peer, std::string_view slot, const Context& context) {
    const double start = preciseMs();
    const Places places = Places::of(instance);
    if (!instance.tls().complete())
        return fail(ErrorCode::NotReady, "the server has no certificates of the controller yet",
                    "Install certificates first (database.install-certificates).");
    if (slot.empty()) return fail(ErrorCode::InvalidInput, "a seed needs the name of its slot at the source");
    TRY_VOID(places.check(!instance.record(seedRecord).is_null()));
    Json record = instance.record(seedRecord);
    if (!recordFits(record, peer, slot)) record = nullptr;
    std::string phase = textAt(record, "phase", phaseCopying);
    int64_t bytes = integerAt(record, "bytes");
    if (phase == phaseReady && !directoryExists(places.fresh)) phase = phaseSwapped;
    if (phase == phaseCopying) {
        const PeerIdentity source = TRY(identifyPeer(instance, peer, within(context, 10'000)));
        context.progress(0, 0, "copying system " + source.systemId);
        TRY_VOID(writePhase(instance, phaseCopying, peer, slot, 0));
        TRY_VOID(freeSlot(instance, places, context));
        TRY_VOID(copy(instance, places, peer, slot, context));
        TRY_VOID(putSiteConfiguration(instance, places, peer, slot, context));
        bytes = treeBytes(places.fresh);
        TRY_VOID(flushFileSystem(places.fresh));
        TRY_VOID(writePhase(instance, phaseReady, peer, slot, bytes));
        phase = phaseReady;
    }
    if (phase == phaseReady) {
        if (instance.postmaster()) TRY_VOID(instance.service().stop(context));
        TRY_VOID(places.swap(instance.spec().name));
        TRY_VOID(writePhase(instance, phaseSwapped, peer, slot, bytes));
    }
    auto finished = finish(instance, places, peer, start, bytes, context);
    // A copy that does not come up is made anew by the next call; the old data stays beside it until one does.
    if (!finished) TRY_VOID(writePhase(instance, phaseCopying, peer, slot, 0));
    return finished;
}

}  // namespace swb::driver::postgresql
