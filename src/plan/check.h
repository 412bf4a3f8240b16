// Readiness: a list of checks, each with a verdict, a sentence and a hint. Judging changes nothing.
#pragma once

#include <string>
#include <vector>

#include "plan/snapshot.h"

namespace swb::plan {

enum class Verdict { ok, warning, refused };

struct Check {
    std::string name;     // "replica-streaming"
    std::string subject;  // "shop-nyc/main", a server, or the group
    Verdict verdict = Verdict::ok;
    std::string sentence;
    std::string hint;  // what to do; empty when ok
};

struct Readiness {
    std::vector<Check> checks;
    UnixMs checkedAt = 0;

    Verdict verdict() const;            // the worst
    const Check* firstRefusal() const;  // null when ready
};

std::string_view nameOf(Verdict verdict);
Json toJson(const Readiness& readiness);

// Limits of the checks, each overridable per request.
struct CheckLimits {
    int64_t lagBytesMax = 16 << 20;          // one WAL segment is behind by a moment's work
    int64_t longTransactionSecondsMax = 60;  // it would be cut off
    int64_t clockSkewMsMax = 5000;
    double diskFreeFractionMin = 0.05;
};

// Everything that must hold before a planned switch from snapshot.from to snapshot.to.
Readiness checkSwitch(const Snapshot& snapshot, const CheckLimits& limits = {});
// Whether somebody took the loss of what a copy lacks upon himself, for the record of the run.
enum class Loss { refused, accepted };

// … before replication from snapshot.from to snapshot.to is enabled for a database (its data at `to` is replaced). What
// only `to` has, and is saved first, refuses unless its loss is accepted.
Readiness checkReplication(const Snapshot& snapshot, const std::string& database, Loss loss = Loss::refused,
                           const CheckLimits& limits = {});

// … before a replica is promoted by itself. With the loss accepted it may lack what its source has; and the database of
// a group's current application may be opened that came back from a restart without its data, and is held read-only.
Readiness checkPromotion(const Snapshot& snapshot, const std::string& database, Loss loss = Loss::refused,
                         const CheckLimits& limits = {});

}  // namespace swb::plan
