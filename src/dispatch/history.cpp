#include "dispatch/history.h"

#include <algorithm>
#include <set>

#include "model/group.h"
#include "run/run.h"

namespace swb::dispatch {
namespace {

constexpr size_t slackFraction = 20;      // begins when a limit is passed by a twentieth of it
constexpr size_t runsPerCommit = 100;     // their documents may be large
constexpr int64_t eventsPerSlice = 2000;  // a commit that comes meanwhile waits for one slice

bool clearlyOver(size_t count, size_t most) {
    return count > most + most / slackFraction;
}

// Runs that something still points at.
Result<std::set<std::string>> referredTo(const store::Store& store) {
    std::set<std::string> ids;
    for (const store::Document& document : TRY(store.list("group"))) ids.insert(TRY(groupFromJson(document.body)).busy);
    for (const store::Document& document : TRY(store.list("lock"))) ids.insert(textAt(document.body, "run"));
    return ids;
}

struct OldRun {
    UnixMs finishedAt = 0;
    std::string id;
    int64_t version = 0;

    bool operator<(const OldRun& other) const { return finishedAt < other.finishedAt; }
};

Result<size_t> forgetRuns(store::Store& store, size_t most) {
    const std::vector<std::string> ids = TRY(store.ids("run"));
    if (!clearlyOver(ids.size(), most)) return 0;
    const std::set<std::string> kept = TRY(referredTo(store));
    std::vector<OldRun> finished;
    for (const std::string& id : ids) {
        const auto document = TRY(store.get("run", id));
        if (!document || kept.count(id)) continue;
        // Only two members are wanted of a document that may be large.
        const std::string state = textAt(document->body, "state");
        if (state == run::nameOf(run::RunState::done) || state == run::nameOf(run::RunState::failed) ||
            state == run::nameOf(run::RunState::aborted))
            finished.push_back({integerAt(document->body, "finishedAt"), id, document->version});
    }
    if (finished.size() <= most) return 0;
    std::sort(finished.begin(), finished.end());
    finished.resize(finished.size() - most);
    for (size_t first = 0; first < finished.size(); first += runsPerCommit) {
        store::Commit commit;
        const size_t last = std::min(first + runsPerCommit, finished.size());
        for (size_t i = first; i < last; ++i) commit.removes.push_back({"run", finished[i].id, finished[i].version});
        commit.events.push_back({"history.forgotten", "runs", "controller", JsonObject{{"runs", last - first}}});
        TRY(store.commit(commit));
    }
    return finished.size();
}

Result<int64_t> forgetEvents(store::Store& store, size_t most) {
    const int64_t oldest = store.oldestSequence(), latest = store.latestSequence();
    if (!clearlyOver(static_cast<size_t>(latest - oldest + 1), most)) return 0;
    const int64_t last = latest - static_cast<int64_t>(most);
    for (int64_t upTo = oldest - 1; upTo < last;) {
        upTo = std::min(upTo + eventsPerSlice, last);
        TRY_VOID(store.forgetEvents(upTo));
    }
    store::Commit commit;
    commit.events.push_back({"history.forgotten", "events", "controller", JsonObject{{"upTo", last}}});
    TRY(store.commit(commit));
    return last - oldest + 1;
}

}  // namespace

Result<Forgotten> forgetHistory(store::Store& store, const HistoryLimits& most) {
    Forgotten forgotten;
    forgotten.runs = TRY(forgetRuns(store, most.runs));
    forgotten.events = TRY(forgetEvents(store, most.events));
    return forgotten;
}

}  // namespace swb::dispatch
