// The closed list of what an agent does: docs/protocol/verbs.md as a table (a test compares the two).
#include <algorithm>
#include <array>

#include "agent/verbs/arguments.h"
#include "agent/verbs/verbs.h"

namespace swb::agent {
namespace {

constexpr std::string_view readsNothingToSettle = "read only: never cut off with an effect";
constexpr std::string_view repeatable = "not done: repeating it brings every half-way state to the goal";

constexpr std::array table = std::to_array<VerbRow>({
    {"server.inspect", "says what the server is", VerbKind::reads, serverInspect, settleNotDone, readsNothingToSettle},

    {"application.configure", "keeps this server's part of a definition", VerbKind::changes, applicationConfigure,
     settleNotDone, repeatable},
    {"application.remove", "removes an application but for its databases", VerbKind::changes, applicationRemove,
     settleNotDone, repeatable},
    {"process.apply", "brings an application's processes to what its definition says", VerbKind::changes, processApply,
     settleNotDone, repeatable},
    {"process.restart", "restarts one process", VerbKind::changes, processRestart, settleNotDone, repeatable},
    {"application.activate", "waits for a writable database, then runs the application as current", VerbKind::changes,
     applicationActivate, settleNotDone, repeatable},
    {"application.deactivate", "runs the application as standby", VerbKind::changes, applicationDeactivate,
     settleNotDone, repeatable},
    {"application.refresh", "gives an application's processes other variables", VerbKind::changes, applicationRefresh,
     settleNotDone, repeatable},

    {"web.prepare", "writes a web front's configuration", VerbKind::changes, webPrepare, settleNotDone, repeatable},
    {"maintenance.on", "puts web fronts into maintenance and stops writers", VerbKind::changes, maintenanceOn,
     settleMaintenanceOn, "not done without any flag; otherwise unknown: users may see the page"},
    {"maintenance.off", "takes web fronts out of maintenance and starts writers", VerbKind::changes, maintenanceOff,
     settleMaintenanceOff, "unknown: some users may be served already"},
    {"maintenance.inspect", "says what web fronts answer", VerbKind::reads, maintenanceInspect, settleNotDone,
     readsNothingToSettle},

    {"database.inspect", "says all facts of a database", VerbKind::reads, databaseInspect, settleNotDone,
     readsNothingToSettle},
    {"database.certificate-request", "makes keys and certificate requests", VerbKind::changes,
     databaseCertificateRequest, settleNotDone, repeatable},
    {"database.install-certificates", "turns on TLS", VerbKind::changes, databaseInstallCertificates, settleNotDone,
     repeatable},
    {"database.prepare-source", "lets a peer replicate from here", VerbKind::changes, databasePrepareSource,
     settleNotDone, repeatable},
    {"database.test-source", "makes a real replication connection to a peer", VerbKind::reads, databaseTestSource,
     settleNotDone, readsNothingToSettle},
    {"database.seed", "replaces the data by a copy of a peer's", VerbKind::changes, databaseSeed, settleSeed,
     "done when it streams from that peer by that slot under its guard, otherwise not done"},
    {"database.release-source", "takes a peer's right to replicate away", VerbKind::changes, databaseReleaseSource,
     settleNotDone, repeatable},
    {"database.promote-standalone", "promotes a replica outside a switch", VerbKind::changes, databasePromoteStandalone,
     settlePromoteStandalone, "not done while the guard did not allow it; done when it is primary; otherwise unknown"},
    {"database.prepare-switch", "gets a database ready for a switch", VerbKind::changes, databasePrepareSwitch,
     settleNotDone, repeatable},
    {"database.end-switch", "puts back what the preparation lowered", VerbKind::changes, databaseEndSwitch,
     settleNotDone, repeatable},
    {"database.fence", "stops primaries for good and gives their promotion tokens", VerbKind::changes, databaseFence,
     settleFence, "not done without guards; done when all are down behind them; otherwise unknown", true},
    {"database.unfence", "gives writes back to fenced primaries", VerbKind::changes, databaseUnfence, settleUnfence,
     "done when all run as primaries, otherwise not done", true},
    {"database.take-over", "promotes replicas that have reached their tokens, all or none", VerbKind::changes,
     databaseTakeOver, settleTakeOver,
     "not done while no guard allows it; done when all are verified primaries; otherwise unknown", true},
    {"database.rejoin", "makes fenced old primaries replicas of their peers", VerbKind::changes, databaseRejoin,
     settleRejoin, "done when the guards are freed and all run as replicas, otherwise not done"},
    {"guard.read", "says a database's boot guard", VerbKind::reads, guardRead, settleNotDone, readsNothingToSettle},
});

}  // namespace

std::span<const VerbRow> verbTable() {
    return table;
}

const VerbRow* findVerb(std::string_view name) {
    const auto row = std::find_if(table.begin(), table.end(), [name](const VerbRow& one) { return one.name == name; });
    return row == table.end() ? nullptr : &*row;
}

}  // namespace swb::agent
