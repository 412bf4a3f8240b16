// What every backend of the document store must do. A test program includes this once and instantiates the suite:
//     INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance, testing::Values(factory));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/ids.h"
#include "base/limits.h"
#include "store/store.h"

namespace swb::store {

// Makes an empty store, at another place on each call.
using StoreFactory = std::function<std::unique_ptr<Store>(const Clock& clock)>;

class StoreConformance : public testing::TestWithParam<StoreFactory> {
  protected:
    Result<Committed> put(std::string_view kind, std::string_view id, int64_t expected, Json body) {
        return store_->commit({.puts = {{std::string(kind), std::string(id), expected, std::move(body)}}});
    }
    Result<Committed> log(std::string_view type, std::string_view subject, Json detail = nullptr) {
        return store_->commit({.events = {{std::string(type), std::string(subject), "tester", std::move(detail)}}});
    }
    std::vector<int64_t> sequences(const EventQuery& query) {
        std::vector<int64_t> out;
        const auto found = store_->events(query).value();
        for (const auto& event : found) out.push_back(event.sequence);
        return out;
    }

    ManualClock clock_;
    std::unique_ptr<Store> store_ = GetParam()(clock_);
};

inline JsonObject number(int64_t value) {
    return JsonObject{{"n", value}};
}

TEST_P(StoreConformance, ANewStoreIsEmpty) {
    EXPECT_EQ(store_->get("group", "shop").value(), std::nullopt);
    EXPECT_TRUE(store_->list("group").value().empty());
    EXPECT_EQ(store_->revision(), 0);
    EXPECT_EQ(store_->latestSequence(), 0);
    EXPECT_TRUE(store_->events({}).value().empty());
    EXPECT_TRUE(store_->verifyChain().value().intact());
    EXPECT_EQ(getOrFail(*store_, "group", "shop").error().message, "there is no group shop");
    EXPECT_EQ(getOrFail(*store_, "group", "shop").error().hint, "`swing group list` shows what there is.");
}

TEST_P(StoreConformance, VersionsGrowAndAreThoseOfTheCommit) {
    const auto first = put("group", "shop", mustNotExist, number(1)).value();
    EXPECT_EQ(first.versionOf("group", "shop"), 1);
    const auto second = put("group", "shop", 1, number(2)).value();
    const Document document = getOrFail(*store_, "group", "shop").value();
    EXPECT_EQ(document, (Document{"group", "shop", second.revision, number(2)}));
    EXPECT_EQ(second.versionOf("group", "shop"), document.version);
    EXPECT_EQ(second.versionOf("group", "other"), 0);
    EXPECT_TRUE(second.touches("group"));
    EXPECT_FALSE(second.touches("run"));
    EXPECT_TRUE(put("group", "shop", anyVersion, number(3)));
    EXPECT_EQ(store_->revision(), 3);
}

TEST_P(StoreConformance, ARecreatedDocumentNeverHasAnOldVersion) {
    ASSERT_TRUE(put("group", "shop", mustNotExist, number(1)));
    ASSERT_TRUE(store_->commit({.removes = {{"group", "shop", 1}}}));
    EXPECT_EQ(store_->get("group", "shop").value(), std::nullopt);
    ASSERT_TRUE(put("group", "shop", mustNotExist, number(2)));
    const auto stale = put("group", "shop", 1, number(9));
    EXPECT_EQ(stale.error().code, ErrorCode::Conflict);
    EXPECT_EQ(getOrFail(*store_, "group", "shop")->body, Json(number(2)));
}

TEST_P(StoreConformance, ConflictsNameTheObject) {
    ASSERT_TRUE(put("group", "shop", mustNotExist, number(1)));
    const auto exists = put("group", "shop", mustNotExist, number(2));
    ASSERT_EQ(exists.error().code, ErrorCode::Conflict);
    EXPECT_EQ(exists.error().message, "group shop exists already");
    EXPECT_EQ(put("group", "shop", 7, number(2)).error().message,
              "group shop changed meanwhile: it is at version 1, not 7");
    EXPECT_EQ(put("group", "blog", 1, number(2)).error().message, "group blog was removed meanwhile");
    EXPECT_EQ(store_->commit({.removes = {{"group", "blog", 1}}}).error().code, ErrorCode::Conflict);
    EXPECT_TRUE(store_->commit({.removes = {{"group", "blog", anyVersion}}}));
    EXPECT_EQ(store_->revision(), 1) << "nothing was changed since the first";
}

TEST_P(StoreConformance, ACommitHappensWholeOrNotAtAll) {
    ASSERT_TRUE(put("group", "shop", mustNotExist, number(1)));
    ASSERT_TRUE(put("run", "r-1", mustNotExist, number(1)));
    Commit commit{.puts = {{"group", "shop", 1, number(2)}, {"run", "r-2", mustNotExist, number(2)}},
                  .removes = {{"run", "r-1", 99}},
                  .events = {{"run.started", "group/shop", "tester", nullptr}}};
    EXPECT_EQ(store_->commit(commit).error().code, ErrorCode::Conflict);
    EXPECT_EQ(getOrFail(*store_, "group", "shop")->version, 1);
    EXPECT_EQ(store_->get("run", "r-2").value(), std::nullopt);
    EXPECT_EQ(store_->latestSequence(), 0);
    EXPECT_EQ(store_->revision(), 2);

    commit.removes[0].expectedVersion = 2;
    const auto done = store_->commit(commit).value();
    EXPECT_EQ(done.revision, 3);
    EXPECT_EQ(done.changes.size(), 3u);
    EXPECT_EQ(done.versionOf("group", "shop"), 3);
    EXPECT_EQ(done.versionOf("run", "r-1"), 0);
    ASSERT_EQ(done.events.size(), 1u);
    EXPECT_EQ(done.events[0].sequence, 1);
    EXPECT_EQ(store_->get("run", "r-1").value(), std::nullopt);
    EXPECT_EQ(getOrFail(*store_, "run", "r-2")->version, 3);
}

TEST_P(StoreConformance, RequirementsAreCheckedButNotWritten) {
    ASSERT_TRUE(put("group", "shop", mustNotExist, number(1)));
    Commit commit{.puts = {{"run", "r-1", mustNotExist, number(1)}}, .requirements = {{"group", "shop", 5}}};
    EXPECT_EQ(store_->commit(commit).error().code, ErrorCode::Conflict);
    commit.requirements = {{"group", "shop", mustNotExist}};
    EXPECT_EQ(store_->commit(commit).error().code, ErrorCode::Conflict);
    commit.requirements = {{"group", "shop", 1}, {"group", "blog", mustNotExist}};
    EXPECT_TRUE(store_->commit(commit));
    EXPECT_EQ(getOrFail(*store_, "group", "shop")->version, 1);
}

TEST_P(StoreConformance, WrongCommitsAreRefusedWhole) {
    const auto code = [&](const Commit& commit) {
        const auto done = store_->commit(commit);
        return done ? std::string("done") : std::string(codeName(done.error().code));
    };
    EXPECT_EQ(code({.puts = {{"", "x", 0, 1}}}), "SWB-INVALID-INPUT");
    EXPECT_EQ(code({.puts = {{"group", "", 0, 1}}}), "SWB-INVALID-INPUT");
    EXPECT_EQ(code({.puts = {{"group", "two words", 0, 1}}}), "SWB-INVALID-INPUT");
    EXPECT_EQ(code({.puts = {{"group", std::string(257, 'x'), 0, 1}}}), "SWB-TOO-LARGE");
    EXPECT_EQ(code({.puts = {{"group", "x", -2, 1}}}), "SWB-INVALID-INPUT");
    EXPECT_EQ(code({.puts = {{"group", "x", 0, 1}, {"group", "x", 0, 2}}}), "SWB-INVALID-INPUT");
    EXPECT_EQ(code({.puts = {{"group", "x", 0, 1}}, .removes = {{"group", "x", 1}}}), "SWB-INVALID-INPUT");
    EXPECT_EQ(code({.removes = {{"group", "x", mustNotExist}}}), "SWB-INVALID-INPUT");
    EXPECT_EQ(code({.puts = {{"group", "x", 0, Json(std::string(limits::documentBytes, 'x'))}}}), "SWB-TOO-LARGE");
    EXPECT_EQ(code({.puts = {{"group", "x", 0, Json("\xff")}}}), "SWB-INVALID-INPUT");
    EXPECT_EQ(code({.puts = {{"group", "x", 0, Json(std::numeric_limits<double>::quiet_NaN())}}}), "SWB-INVALID-INPUT");
    EXPECT_EQ(code({.events = {{"", "s", "a", nullptr}}}), "SWB-INVALID-INPUT");
    EXPECT_EQ(code({.events = {{"t", "\xc0\x80", "a", nullptr}}}), "SWB-INVALID-INPUT");
    EXPECT_EQ(code({.events = {{"t", std::string(2000, 's'), "a", nullptr}}}), "SWB-TOO-LARGE");
    Json deep = nullptr;
    for (int level = 0; level < 40; ++level) deep = JsonArray{deep};
    EXPECT_EQ(code({.puts = {{"group", "x", 0, deep}}}), "SWB-INVALID-INPUT");
    EXPECT_EQ(store_->revision(), 0);
    EXPECT_EQ(code({}), "done");
    EXPECT_EQ(store_->revision(), 0);
}

TEST_P(StoreConformance, ListsOneKindOrderedById) {
    for (const char* id : {"b", "a", "a-1", "Z", "c"}) ASSERT_TRUE(put("site", id, mustNotExist, id));
    ASSERT_TRUE(put("sites", "x", mustNotExist, nullptr));
    std::vector<std::string> ids;
    const auto sites = store_->list("site").value();
    for (const auto& document : sites) ids.push_back(document.id);
    EXPECT_THAT(ids, testing::ElementsAre("Z", "a", "a-1", "b", "c"));
}

TEST_P(StoreConformance, BodiesComeBackAsTheyWere) {
    const Json body =
        parseJson(R"({"z": [1, -2.5, true, null, "ü \u0000 \"", 18446744073709551615], "a": {}})").value();
    ASSERT_TRUE(put("group", "shop", mustNotExist, body));
    EXPECT_EQ(toText(getOrFail(*store_, "group", "shop")->body), toText(body));
}

TEST_P(StoreConformance, EventsAreInOrderAndFiltered) {
    ASSERT_TRUE(store_->commit({.events = {{"run.started", "group/shop", "alice", number(1)},
                                           {"run.step.done", "group/shop", "controller", number(2)}}}));
    clock_.advance(1500);
    ASSERT_TRUE(log("run.started", "group/blog"));
    ASSERT_TRUE(log("runner", "group/shop"));
    EXPECT_EQ(store_->latestSequence(), 4);
    EXPECT_THAT(sequences({}), testing::ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(sequences({.after = 2}), testing::ElementsAre(3, 4));
    EXPECT_THAT(sequences({.after = 1, .limit = 2}), testing::ElementsAre(2, 3));
    EXPECT_THAT(sequences({.typePrefix = "run."}), testing::ElementsAre(1, 2, 3));
    EXPECT_THAT(sequences({.subject = "group/shop"}), testing::ElementsAre(1, 2, 4));
    EXPECT_THAT(sequences({.limit = 1, .typePrefix = "run.", .subject = "group/blog"}), testing::ElementsAre(3));
    EXPECT_THAT(sequences({.after = 4}), testing::IsEmpty());
    EXPECT_THAT(sequences({.after = 400}), testing::IsEmpty());
    EXPECT_THAT(sequences({.limit = 0}), testing::IsEmpty());
    const auto all = store_->events({}).value();
    EXPECT_EQ(all[0].actor, "alice");
    EXPECT_EQ(all[1].detail, Json(number(2)));
    EXPECT_EQ(all[2].at - all[1].at, 1500);
}

TEST_P(StoreConformance, EventsAreBoundedToOnePage) {
    for (int batch = 0; batch < 4; ++batch) {
        Commit commit;
        for (int i = 0; i < 200; ++i) commit.events.push_back({"tick", "clock", "tester", number(batch * 200 + i)});
        ASSERT_TRUE(store_->commit(commit));
    }
    const auto page = store_->events({.after = 10, .limit = 100'000}).value();
    ASSERT_EQ(page.size(), limits::eventPage);
    EXPECT_EQ(page.front().sequence, 11);
    EXPECT_EQ(page.back().detail, Json(number(page.back().sequence - 1)));
}

TEST_P(StoreConformance, EventsFormAChainOfHashes) {
    const auto first = log("a", "s", JsonObject{{"x", 0.1}, {"y", "\u00e4"}}).value().events.at(0);
    const auto second = log("b", "s").value().events.at(0);
    EXPECT_EQ(first.previousHash, "");
    EXPECT_EQ(first.hash.size(), 64u);
    EXPECT_EQ(second.previousHash, first.hash);
    EXPECT_EQ(store_->events({}).value(), (std::vector<Event>{first, second}));
    const auto report = store_->verifyChain().value();
    EXPECT_TRUE(report.intact()) << report.problem;
    EXPECT_EQ(report.checked, 2);
    EXPECT_EQ(report.head, second.hash);
}

TEST_P(StoreConformance, WhatIsForgottenLeavesAChainThatCanBeVerified) {
    EXPECT_EQ(store_->oldestSequence(), 1);
    for (int64_t i = 1; i <= 9; ++i) ASSERT_TRUE(log("a", "s/" + std::to_string(i % 3)));
    const std::string head = store_->verifyChain()->head;
    ASSERT_TRUE(store_->forgetEvents(4));
    ASSERT_TRUE(store_->forgetEvents(2)) << "forgotten already";
    EXPECT_EQ(store_->forgetEvents(10).error().code, ErrorCode::InvalidInput);
    EXPECT_EQ(store_->oldestSequence(), 5);
    EXPECT_EQ(sequences({}), (std::vector<int64_t>{5, 6, 7, 8, 9}));
    EXPECT_EQ(sequences({.after = 3, .subject = "s/0"}), (std::vector<int64_t>{6, 9}));
    ChainReport report = store_->verifyChain().value();
    EXPECT_TRUE(report.intact()) << report.problem;
    EXPECT_EQ(report.forgotten, 4);
    EXPECT_EQ(report.checked, 5);
    EXPECT_EQ(report.head, head);
    // Also down to nothing; what comes then follows on.
    ASSERT_TRUE(store_->forgetEvents(9));
    EXPECT_EQ(store_->oldestSequence(), 10);
    EXPECT_TRUE(sequences({}).empty());
    const auto next = log("b", "s/1")->events.at(0);
    EXPECT_EQ(next.sequence, 10);
    EXPECT_EQ(next.previousHash, head);
    EXPECT_EQ(sequences({}), std::vector<int64_t>{10});
    report = store_->verifyChain().value();
    EXPECT_TRUE(report.intact()) << report.problem;
    EXPECT_EQ(report.checked, 1);
}

TEST_P(StoreConformance, IdsAreThoseOfOneKind) {
    ASSERT_TRUE(store_->commit(
        {.puts = {{"run", "b", mustNotExist, number(1)}, {"run", "a", mustNotExist, number(2)}, {"x", "c", 0, 1}}}));
    EXPECT_EQ(store_->ids("run").value(), (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(store_->ids("none")->empty());
}

TEST_P(StoreConformance, WatchersSeeTheCommitAfterItIsVisible) {
    std::vector<int64_t> seen;
    auto subscription = store_->subscribe([&](const Committed& committed) {
        EXPECT_EQ(store_->revision(), committed.revision);
        EXPECT_EQ(getOrFail(*store_, "group", "shop")->version, committed.versionOf("group", "shop"));
        EXPECT_EQ(committed.events.size(), 1u);
        seen.push_back(committed.revision);
    });
    Commit commit{.puts = {{"group", "shop", mustNotExist, number(1)}}, .events = {{"t", "s", "a", nullptr}}};
    ASSERT_TRUE(store_->commit(commit));
    EXPECT_FALSE(store_->commit(commit)) << "a refused commit is not told";
    ASSERT_TRUE(store_->commit({})) << "nor is an empty one";
    commit.puts[0].expectedVersion = 1;
    ASSERT_TRUE(store_->commit(commit));
    EXPECT_THAT(seen, testing::ElementsAre(1, 2));
    subscription.reset();
    ASSERT_TRUE(log("t", "s"));
    EXPECT_EQ(seen.size(), 2u);
}

TEST_P(StoreConformance, AWatcherMayCommitAndUnsubscribeItself) {
    Subscription subscription;
    int calls = 0;
    subscription = store_->subscribe([&](const Committed&) {
        if (++calls == 1) {
            EXPECT_TRUE(put("echo", "x", mustNotExist, nullptr));
        }
        if (calls == 2) subscription.reset();
    });
    ASSERT_TRUE(log("t", "s"));
    ASSERT_TRUE(log("t", "s"));
    EXPECT_EQ(calls, 2);
    EXPECT_TRUE(getOrFail(*store_, "echo", "x"));
}

TEST_P(StoreConformance, ASubscriptionMayOutliveTheStore) {
    auto subscription = store_->subscribe([](const Committed&) {});
    store_.reset();
    subscription.reset();
}

TEST_P(StoreConformance, ConcurrentCommittersLoseNothing) {
    constexpr int threads = 4;
    constexpr int rounds = 50;
    std::atomic<int64_t> told = 0;
    auto subscription =
        store_->subscribe([&](const Committed& committed) { told += static_cast<int64_t>(committed.events.size()); });
    std::atomic<bool> done = false;
    std::thread reader([&] {
        int64_t last = 0;
        while (!done) {
            const auto counter = store_->get("counter", "x").value();
            const auto shadow = store_->get("counter", "y").value();
            // y is written together with x and read after it, so it cannot be older.
            if (!counter) continue;
            EXPECT_LE(integerAt(counter->body, "n"), integerAt(shadow->body, "n"));
            EXPECT_LE(std::exchange(last, counter->version), counter->version);
        }
    });
    std::vector<std::thread> writers;
    for (int writer = 0; writer < threads; ++writer)
        writers.emplace_back([&] {
            for (int round = 0; round < rounds; ++round) {
                const auto result = commitWithRetry(
                    *store_,
                    [&]() -> Result<Commit> {
                        const auto counter = TRY(store_->get("counter", "x"));
                        const int64_t next = counter ? integerAt(counter->body, "n") + 1 : 1;
                        return Commit{
                            .puts = {{"counter", "x", counter ? counter->version : mustNotExist, number(next)},
                                     {"counter", "y", anyVersion, number(next)}},
                            .events = {{"counted", "counter/x", "tester", number(next)}}};
                    },
                    10'000);
                ASSERT_TRUE(result) << describe(result.error());
            }
        });
    for (auto& writer : writers) writer.join();
    done = true;
    reader.join();
    EXPECT_EQ(getOrFail(*store_, "counter", "x")->body, Json(number(threads * rounds)));
    EXPECT_EQ(told, threads * rounds);
    const auto events = store_->events({}).value();
    ASSERT_EQ(events.size(), static_cast<size_t>(threads * rounds));
    for (const auto& event : events) EXPECT_EQ(event.detail, Json(number(event.sequence)));
    EXPECT_TRUE(store_->verifyChain()->intact());
}

TEST_P(StoreConformance, RetryStopsAtOtherErrorsAndAtTheLimit) {
    ASSERT_TRUE(put("group", "shop", mustNotExist, number(1)));
    int builds = 0;
    const auto build = [&]() -> Result<Commit> {
        ++builds;
        return Commit{.puts = {{"group", "shop", 99, number(2)}}};
    };
    EXPECT_EQ(commitWithRetry(*store_, build, 3).error().code, ErrorCode::Conflict);
    EXPECT_EQ(builds, 3);
    const auto refuse = [&]() -> Result<Commit> { return fail(ErrorCode::GroupBusy, "busy"); };
    EXPECT_EQ(commitWithRetry(*store_, refuse).error().code, ErrorCode::GroupBusy);
}

}  // namespace swb::store
