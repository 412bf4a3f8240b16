#include "driver/postgresql/fork.h"

#include <algorithm>

#include "driver/postgresql/facts.h"
#include "driver/postgresql/log_comparison.h"
#include "driver/postgresql/wal_record.h"
#include "driver/support/files.h"

namespace swb::driver::postgresql {

namespace {

// The newest timeline of which this server has log: after a promotion pg_control shows the former one for a while. A
// history file alone says nothing, a replica fetches those of others.
uint32_t newestTimeline(const Instance& instance, const ControlFile& control) {
    uint32_t newest = std::max(control.timeline, control.minimumRecoveryTimeline);
    const ActAs acting(instance.user());
    for (const std::string& name : directoryEntries(instance.dataFile("pg_wal"))) {
        const auto segment = parseWalFileName(name, control.walSegmentBytes);
        newest = std::max(newest, segment ? segment->timeline : 0);
    }
    return newest;
}

Result<Timelines> timelinesOf(Connection& replication, uint32_t timeline, MonotonicMs deadline) {
    if (timeline == 1) return Timelines{{1}};
    const Rows rows = TRY(replication.query("TIMELINE_HISTORY " + std::to_string(timeline), deadline));
    if (rows.size() != 1 || rows[0].size() < 2)
        return fail(ErrorCode::ProtocolViolation, "the peer does not answer TIMELINE_HISTORY as PostgreSQL does");
    return timelinesFrom(rows[0][1].value_or(""), timeline);
}

Result<bool> isReplica(Connection& replication, MonotonicMs deadline) {
    constexpr int hotStandbySettingSince = 140000;
    const bool known = replication.serverVersion() >= hotStandbySettingSince;
    return TRY(replication.value(known ? "SHOW in_hot_standby" : "SHOW transaction_read_only", deadline)) == "on";
}

// What streams has been compared by the server itself: its log fits the source's.
bool receives(const Instance& instance, const Context& context) {
    if (!instance.postmaster()) return false;
    auto session = instance.session(context);
    const auto status = session ? (*session)->value("SELECT status FROM pg_stat_wal_receiver", context.deadline)
                                : Result<std::string>(std::string());
    return status && *status == "streaming";
}

}  // namespace

Result<Timelines> ownTimelines(const Instance& instance) {
    const uint32_t newest = newestTimeline(instance, TRY(instance.control()));
    if (newest == 1) return Timelines{{1}};
    return timelinesFrom(TRY(instance.readDataFile("pg_wal/" + historyFileName(newest))), newest);
}

Result<std::optional<Fork>> forkFrom(const Instance& instance, const Peer& peer, const Context& context) {
    auto connection = TRY(instance.replicationConnection(peer, context.deadline));
    const PeerIdentity identity = TRY(identifySystem(connection, context.deadline));
    const ControlFile control = TRY(instance.control());
    if (identity.systemId != std::to_string(control.systemId)) return std::optional<Fork>();
    const Timelines own = TRY(ownTimelines(instance));
    const auto fork = TRY(forkOf(own, TRY(timelinesOf(connection, identity.timeline, context.deadline))));
    // Only two that wrote themselves can have parted where no history shows it.
    if (TRY(isReplica(connection, context.deadline)) || receives(instance, context)) return fork;
    const uint32_t shared = fork ? fork->timeline : own.back().timeline;
    const auto parting =
        TRY(partingOf(instance, peer, shared, fork ? fork->position : own.back().end, identity.position, context));
    const bool wasPrimary = control.isOfPrimary() || !instance.record(quarantineRecord).is_null();
    if (!parting || (!parting->exact && (fork || !wasPrimary))) return fork;
    return std::optional<Fork>({shared, parting->position, shared, false, parting->exact});
}

Result<void> quarantine(const Instance& instance) {
    TRY_VOID(instance.writeRecord(quarantineRecord, JsonObject{{"since", SystemClock().now()}}));
    return instance.editAutoConf({{"primary_conninfo", std::nullopt}, {"primary_slot_name", std::nullopt}});
}

}  // namespace swb::driver::postgresql
