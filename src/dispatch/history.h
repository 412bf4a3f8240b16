// What the controller need not know for ever: finished runs and old events beyond their limits are forgotten.
//
// Kept whatever their age: unfinished runs and those that a group or a lock names. What remains of the event log can
// still be verified (Store::forgetEvents). Works in small commits, and only once a limit is clearly passed, so that it
// is cheap when called often; call it while no run is under way.
#pragma once

#include "base/limits.h"
#include "store/store.h"

namespace swb::dispatch {

struct HistoryLimits {
    size_t runs = limits::runHistory;
    size_t events = limits::eventHistory;
};

struct Forgotten {
    size_t runs = 0;
    int64_t events = 0;
};

Result<Forgotten> forgetHistory(store::Store& store, const HistoryLimits& most = {});

}  // namespace swb::dispatch
