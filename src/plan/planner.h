// Planners: snapshot + intent → a run in state `planned`, every step with its reason, what proves it and how it is
// undone. Pure. Nothing has happened when they return; the plan can be shown, stored or thrown away (--dry-run).
//
//     planSwitch          DESIGN.md §6
//     planReplication     enable: certificates, source, seed, both directions tested, link
//     planDisable, planResync, planPromotion
//     planApply, planEnvironment, planMaintenance, planRemoval
#pragma once

#include "plan/check.h"
#include "run/run.h"

namespace swb::plan {

struct Intent {
    std::string runId;
    std::string actor;
    std::string reason;
    UnixMs at = 0;
};

// automatic: go at once; a TTL that was lowered is put back at the end. prepare: lower it and wait the usual one out
// first. leave: do not touch it.
enum class TtlPlan { automatic, prepare, leave };

struct SwitchOptions {
    int64_t lagBytesMax = 16 << 20;
    TtlPlan ttl = TtlPlan::automatic;
};

// Refused (NotReady) when a check refuses; the error names the first, the run's `checks` all.
Result<run::Run> planSwitch(const Snapshot& snapshot, const Intent& intent, const SwitchOptions& options);
// The address only: for groups without databases, or the last of the five steps taken one by one. Never against I10.
Result<run::Run> planTraffic(const Snapshot& snapshot, const Intent& intent, TtlPlan ttl = TtlPlan::automatic);
// consent: "replace:<application>/<database>" for every database whose data goes. loss: of what only `to` has.
Result<run::Run> planReplication(const Snapshot& snapshot, const std::vector<std::string>& databases, bool resync,
                                 const std::vector<std::string>& consent, const Intent& intent,
                                 Loss loss = Loss::refused);
// New certificates for both ends of links from snapshot.from to snapshot.to; the keys stay.
Result<run::Run> planRenewal(const Snapshot& snapshot, const std::vector<std::string>& databases, const Intent& intent);
Result<run::Run> planDisable(const Snapshot& snapshot, const std::vector<std::string>& databases, const Intent& intent);
Result<run::Run> planPromotion(const Snapshot& snapshot, const std::string& database, Loss loss, const Intent& intent);
// snapshot.to is the application; snapshot.from its peer in the group, if any.
Result<run::Run> planApply(const Snapshot& snapshot, const Intent& intent);
// The application's processes are told of these replicas inside it.
run::Run planEnvironment(const Snapshot& snapshot, const std::map<std::string, std::string>& replicas,
                         const Intent& intent);
Result<run::Run> planMaintenance(const Snapshot& snapshot, bool on, const Intent& intent);
Result<run::Run> planRemoval(const Snapshot& snapshot, const Intent& intent);

// The word that stands for "yes, that data goes".
std::string consentWord(const std::string& application, const std::string& database);

}  // namespace swb::plan
