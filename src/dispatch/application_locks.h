// Two runs never work on one copy at a time: a run holds a lock for each, from the commit that plans it to the one that
// ends it (Conductor::addRelease).
#pragma once

#include "run/run.h"
#include "store/store.h"

namespace swb::dispatch {

// Adds the run's locks to the commit that will store it; GroupBusy names the run that holds one.
Result<void> addLocks(const store::Store& store, const run::Run& run, store::Commit& commit);

}  // namespace swb::dispatch
