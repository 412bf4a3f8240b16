#include "dispatch/history.h"

#include <gtest/gtest.h>

#include "model/group.h"
#include "run/run.h"
#include "store/memory_store.h"

namespace swb::dispatch {
namespace {

class History : public testing::Test {
  protected:
    void put(const std::string& kind, const std::string& id, Json body) {
        ASSERT_TRUE(store.commit({.puts = {{kind, id, store::anyVersion, std::move(body)}}}));
    }
    void putRun(const std::string& id, run::RunState state, UnixMs finishedAt) {
        run::Run run;
        run.id = id;
        run.state = state;
        run.finishedAt = finishedAt;
        put("run", id, run::toStored(run));
    }
    bool has(const std::string& id) { return store.get("run", id)->has_value(); }

    SystemClock clock;
    store::MemoryStore store{clock};
};

TEST_F(History, TheOldestFinishedRunsGoButNoneThatIsNeeded) {
    using enum run::RunState;
    putRun("r-busy", done, 1);
    putRun("r-locked", failed, 2);
    putRun("r-going", running, 0);
    Group group;
    group.name = "shop";
    group.busy = "r-busy";
    put("group", "shop", toJson(group));
    put("lock", "application/shop-fra", JsonObject{{"run", "r-locked"}});
    // Ids do not follow their ages.
    for (int i = 0; i < 30; ++i) putRun("r-" + std::to_string(100 - i), i % 2 ? aborted : done, 1000 + i);
    const auto forgotten = forgetHistory(store, {10, 1000});
    ASSERT_TRUE(forgotten) << describe(forgotten.error());
    EXPECT_EQ(forgotten->runs, 20u);
    EXPECT_TRUE(has("r-busy") && has("r-locked") && has("r-going"));
    EXPECT_FALSE(has("r-100") || has("r-81"));
    EXPECT_TRUE(has("r-80") && has("r-71"));
    EXPECT_EQ(store.events({})->back().type, "history.forgotten");
    EXPECT_EQ(forgetHistory(store, {10, 1000})->runs, 0u);
}

TEST_F(History, OldEventsGoInSlicesAndTheRestIsAChain) {
    for (int batch = 0; batch < 3; ++batch) {
        store::Commit commit;
        for (int i = 0; i < 2000; ++i) commit.events.push_back({"a", "b", "c", nullptr});
        ASSERT_TRUE(store.commit(commit));
    }
    EXPECT_EQ(forgetHistory(store, {10, 5900})->events, 0) << "a little over the limit is not worth the work";
    EXPECT_EQ(forgetHistory(store, {10, 1000})->events, 5000);
    EXPECT_EQ(store.oldestSequence(), 5001);
    EXPECT_EQ(store.events({})->front().sequence, 5001);
    const auto report = store.verifyChain();
    EXPECT_TRUE(report->intact()) << report->problem;
    EXPECT_EQ(report->checked, 1001) << "what was forgotten is an event itself";
}

}  // namespace
}  // namespace swb::dispatch
