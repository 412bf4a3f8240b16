#include "dispatch/application_locks.h"

#include "model/copy.h"

namespace swb::dispatch {

Result<void> addLocks(const store::Store& store, const run::Run& run, store::Commit& commit) {
    // A run that makes or ends replicas inside an application holds those alone: seeding them may take hours and must
    // not keep the application from being switched.
    std::vector<std::string> names;
    if (!run.from.empty() && !isInside(run.to)) names.push_back(run.from);
    if (!run.to.empty() && run.to != run.from) names.push_back(run.to);
    for (const std::string& name : names) {
        if (const auto held = TRY(store.get("lock", "application/" + name)))
            return fail(ErrorCode::GroupBusy, name + " is held by run " + textAt(held->body, "run"),
                        "wait for it: `swing run watch " + textAt(held->body, "run") + "`");
        commit.puts.push_back({"lock", "application/" + name, store::mustNotExist, JsonObject{{"run", run.id}}});
    }
    return {};
}

}  // namespace swb::dispatch
