#include "driver/postgresql/seed.h"

#include <fcntl.h>
#include <fmt/format.h>
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
#include "driver/postgresql/divergence.h"
#include "driver/postgresql/facts.h"
#include "driver/postgresql/rejoin.h"
#include "driver/postgresql/rewind.h"
#include "driver/postgresql/site_configuration.h"
#include "driver/postgresql/tls.h"
#include "driver/support/files.h"
#include "driver/support/seed_places.h"

namespace swb::driver::postgresql {

namespace {

constexpr const char* seedRecord = "seed";
constexpr const char* phaseCopying = "copying";
constexpr const char* phaseRewinding = "rewinding";  // the data itself, under a copy's name, is being wound back
constexpr const char* phaseReady = "ready";          // complete, with this site's configuration, beside the old data
constexpr const char* phaseSwapped = "swapped";      // it has become the data directory

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

// One seed: for whom, and how far it has come. The record survives the agent.
struct Seed {
    const Instance& instance;
    const Peer& peer;
    const std::string slot;
    const Places places;
    std::string phase = phaseCopying;
    int64_t bytes = 0;
    bool rewound = false;
    std::string reason = {};  // why it is copied and not rewound, where a fork gave the choice
    Json saved = nullptr;     // what only this side had, and where it is now

    void load() {
        const Json record = instance.record(seedRecord);
        if (textAt(record, "host") != peer.host || integerAt(record, "port") != peer.port ||
            textAt(record, "slot") != slot)
            return;
        phase = textAt(record, "phase", phaseCopying);
        bytes = integerAt(record, "bytes");
        rewound = booleanAt(record, "rewound");
        reason = textAt(record, "reason");
        if (const Json* report = memberAt(record, "saved")) saved = *report;
    }
    Result<void> enter(const char* next) {
        phase = next;
        TRY_VOID(instance.writeRecord(seedRecord, JsonObject{{"phase", phase},
                                                             {"host", peer.host},
                                                             {"port", peer.port},
                                                             {"slot", slot},
                                                             {"bytes", bytes},
                                                             {"rewound", rewound},
                                                             {"reason", reason},
                                                             {"saved", saved}}));
        faultPoint("seed", instance.spec().name, phase);
        return {};
    }
};

Result<void> becomeReady(Seed& seed, const Context& context) {
    TRY_VOID(putSiteConfiguration(seed.instance, seed.places, seed.peer, seed.slot, context));
    seed.bytes = treeBytes(seed.places.fresh);
    TRY_VOID(flushFileSystem(seed.places.fresh));
    return seed.enter(phaseReady);
}

// The data is wound back where it has parted from the source's history; true when that was done. Its own part is saved
// first, and again when the server is down.
Result<bool> rewindInstead(Seed& seed, const Context& context) {
    const Instance& instance = seed.instance;
    if (!instance.hasData() || !seed.reason.empty()) return false;
    constexpr int64_t peerMs = 60'000;
    const auto fork = TRY(forkFrom(instance, seed.peer, withDeadline(context, within(context, peerMs))));
    if (!fork) return false;
    seed.saved = TRY(saveOnlyHere(instance, *fork, context));
    if (seed.saved.is_null()) return false;
    seed.reason = fork->inHistory
                      ? TRY(reasonAgainstRewind(instance, seed.peer, context))
                      : fmt::format("both wrote on timeline {}: no history shows where they parted", fork->timeline);
    if (!seed.reason.empty()) return false;
    if (instance.postmaster()) TRY_VOID(instance.service().stop(context));
    seed.saved = TRY(saveOnlyHere(instance, *fork, context));
    TRY_VOID(seed.enter(phaseRewinding));
    TRY_VOID(seed.places.setAside());
    const RewindOutcome outcome = TRY(rewind(instance, seed.places, seed.peer, context));
    seed.rewound = outcome.end == RewindEnd::rewound;
    if (seed.rewound) {
        TRY_VOID(becomeReady(seed, context));
        return true;
    }
    seed.reason = outcome.reason;
    if (outcome.end == RewindEnd::refused) {
        // Whatever it was before: from here on it may only be a standby.
        TRY_VOID(writeFileAs(instance.user(), seed.places.fresh + "/standby.signal", "", 0600));
        TRY_VOID(seed.places.putBack());
    }
    TRY_VOID(seed.enter(phaseCopying));
    return false;
}

Result<void> makeCopy(Seed& seed, const Context& context) {
    const PeerIdentity source = TRY(identifyPeer(seed.instance, seed.peer, within(context, 10'000)));
    TRY_VOID(seed.enter(phaseCopying));
    TRY_VOID(keepSiteConfiguration(seed.instance, context));
    if (TRY(rewindInstead(seed, context))) return {};
    context.progress(0, 0, "copying system " + source.systemId);
    TRY_VOID(freeSlot(seed.instance, seed.places, context));
    TRY_VOID(copy(seed.instance, seed.places, seed.peer, seed.slot, context));
    return becomeReady(seed, context);
}

Result<void> swapIn(Seed& seed, const Context& context) {
    if (seed.instance.postmaster()) TRY_VOID(seed.instance.service().stop(context));
    // What the old server still wrote while the copy was made.
    if (!seed.rewound && seed.saved.is_object() && seed.instance.hasData())
        if (Json last = TRY(saveOnlyHere(seed.instance, seed.peer, context)); last.is_object())
            seed.saved = std::move(last);
    TRY_VOID(seed.places.swap(seed.instance.spec().name));
    return seed.enter(phaseSwapped);
}

Result<Json> finish(Seed& seed, double start, const Context& context) {
    constexpr int64_t rewoundMs = 15 * 60'000, rewoundStallMs = 30'000;
    const Instance& instance = seed.instance;
    context.progress(seed.bytes, seed.bytes, "starting the replica");
    TRY_VOID(instance.service().unmask(context));
    const Context bounded = seed.rewound ? withDeadline(context, within(context, rewoundMs)) : context;
    auto session = TRY(instance.startAndConnect(bounded));
    TRY_VOID(awaitStreaming(instance, *session, seed.peer, 0, bounded, seed.rewound ? rewoundStallMs : INT64_MAX));
    const Rows rows = TRY(session->query(
        "SELECT (SELECT system_identifier FROM pg_control_system()), pg_last_wal_replay_lsn()", context.deadline));
    TRY_VOID(removeTree(seed.places.old));
    TRY_VOID(removeTree(seed.places.fresh));
    dropKeptConfiguration(instance);
    TRY_VOID(instance.noteSeeded());
    for (const char* record : {"rejoin", "switch", quarantineRecord, seedRecord})
        TRY_VOID(instance.removeRecord(record));
    return JsonObject{{"bytes", seed.bytes},
                      {"seconds", (preciseMs() - start) / 1000},
                      {"systemId", rows.at(0).at(0).value_or("")},
                      {"position", rows.at(0).at(1).value_or("")},
                      {"rewound", seed.rewound},
                      {"copiedBecause", seed.reason},
                      {"saved", seed.saved}};
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

Result<void> discardHalfCopy(const Instance& instance) {
    const Places places = Places::of(instance);
    if (textAt(instance.record(seedRecord), "phase") != phaseCopying || !directoryExists(places.fresh)) return {};
    for (const auto& leftover : processesWithArgument("--pgdata=" + places.fresh)) {
        sendSignal(leftover, SIGKILL);
        (void)awaitExit(leftover, SystemClock().monotonic() + 1000);
    }
    // The record stays: it knows what was saved, and that the former data beside it is ours.
    return removeTree(places.fresh);
}

Result<Json> seed(const Instance& instance, const Peer& peer, std::string_view slot, const Context& context) {
    const double start = preciseMs();
    if (!instance.tls().complete())
        return fail(ErrorCode::NotReady, "the server has no certificates of the controller yet",
                    "Install certificates first (database.install-certificates).");
    if (slot.empty()) return fail(ErrorCode::InvalidInput, "a seed needs the name of its slot at the source");
    Seed seed{.instance = instance, .peer = peer, .slot = std::string(slot), .places = Places::of(instance)};
    TRY_VOID(seed.places.check(!instance.record(seedRecord).is_null()));
    seed.load();
    if (seed.phase == phaseReady && !directoryExists(seed.places.fresh)) seed.phase = phaseSwapped;
    // Nothing that was half rewound is ever used.
    if (seed.phase == phaseRewinding) seed.reason = "an earlier rewind was interrupted";
    for (;;) {
        if (seed.phase == phaseCopying || seed.phase == phaseRewinding) TRY_VOID(makeCopy(seed, context));
        if (seed.phase == phaseReady) TRY_VOID(swapIn(seed, context));
        auto finished = finish(seed, start, context);
        if (finished) return finished;
        const bool wasRewound = seed.rewound;
        // Without its source nobody can say anything about a rewound server.
        if (wasRewound && !identifyPeer(instance, peer, within(context, 10'000))) return finished;
        // A copy that does not come up is made anew by the next call; the old data stays beside it until one does.
        seed.rewound = false;
        if (wasRewound) seed.reason = "the rewound server did not follow: " + finished.error().message;
        TRY_VOID(seed.enter(phaseCopying));
        if (!wasRewound || context.remainingMs() == 0 || context.cancelled()) return finished;
    }
}

}  // namespace swb::driver::postgresql
