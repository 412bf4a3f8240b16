// What only this server has: its log after the point where its history and the other site's parted (an emergency
// promotion there, a start behind the fence here). Nothing may overwrite it before it is saved and counted (I7, F50):
//
//     DATA.swingbridge-only-here-TIMELINE-POSITION/   the log's files from the fork on, history files, report.json
//
// Saving changes nothing of the server's own, may be repeated, and is done again when the log has gone on.
#pragma once

#include "driver/postgresql/fork.h"
#include "driver/postgresql/instance.h"
#include "driver/postgresql/wal_summary.h"

namespace swb::driver::postgresql {

struct OnlyHere {
    Fork fork;
    WalSummary summary;
    bool complete = true;  // false: the log begins after the fork, older files are gone
    bool any() const { return summary.records() > 0 || !complete; }
};
// Reads the log after the fork, running or not.
Result<OnlyHere> readOnlyHere(const Instance& instance, const Fork& fork, const Context& context);
// {timeline, since, until, commits, firstCommit, lastCommit, relations: [{name, changes}], complete,
// sentence}. Names are known
// while the server answers, numbers otherwise.
Json reportOf(const Instance& instance, const OnlyHere& found, const Context& context);

// Saves it, answers the report with `directory`; null when there is nothing only here.
Result<Json> saveOnlyHere(const Instance& instance, const Fork& fork, const Context& context);
Result<Json> saveOnlyHere(const Instance& instance, const Peer& peer, const Context& context);
// "3 commits since 0/302CF90 of timeline 1 (public.items 3), saved in …"
std::string describeOnlyHere(const Json& report);

}  // namespace swb::driver::postgresql
