#include "agent/executor.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <condition_variable>
#include <cstdlib>
#include <fstream>

#include "agent/scripted_drivers_test.h"
#include "base/fault.h"

namespace swb::agent {
namespace {

std::atomic<int> executions{0};
std::atomic<bool> gate{true};  // open

Result<Json> count(VerbCall& call) {
    ++executions;
    const MonotonicMs patience = SystemClock().monotonic() + 5000;
    while (!gate && !call.cancelled() && SystemClock().monotonic() < std::min(patience, call.deadline))
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (call.cancelled()) return fail(ErrorCode::NotDone, "cancelled");
    if (!gate) return fail(ErrorCode::DeadlineExceeded, "too slow");
    return Json(JsonObject{{"n", executions.load()}});
}
Result<Json> unknown(VerbCall&) {
    return fail(ErrorCode::OutcomeUnknown, "perhaps");
}
Result<Json> talk(VerbCall& call) {
    for (int i = 0; i < 1000; ++i) call.progress(i, 1000, "part");
    call.progress(1000, 1000, "all");
    return Json(JsonObject{});
}
Result<Json> leaveMark(VerbCall& call) {
    std::ofstream(textAt(call.args(), "file"), std::ios::app) << "x";
    return Json(JsonObject{{"marked", true}});
}
Result<Json> lookForMark(VerbCall& call) {
    if (!fileExists(textAt(call.args(), "file"))) return fail(ErrorCode::NotDone, "no mark");
    return Json(JsonObject{{"marked", true}, {"settled", true}});
}
Result<Json> cannotLook(VerbCall&) {
    return fail(ErrorCode::Unreachable, "no answer");
}

constexpr VerbRow table[] = {
    {"count", "", VerbKind::changes, count, lookForMark, ""},    {"read", "", VerbKind::reads, count, lookForMark, ""},
    {"unknown", "", VerbKind::changes, unknown, cannotLook, ""}, {"talk", "", VerbKind::changes, talk, lookForMark, ""},
    {"mark", "", VerbKind::changes, leaveMark, lookForMark, ""},
};

class ExecutorTest : public AgentFixture {
  protected:
    void SetUp() override {
        executions = 0;
        gate = true;
        begin();
    }
    void TearDown() override {
        gate = true;
        executor.reset();
    }
    void begin() {
        executor.reset();
        ledger = std::move(*Ledger::open(directory.ledger()));
        executor = std::make_unique<Executor>(services, *ledger, table, [this](const link::Message& message) {
            const std::lock_guard guard(mutex);
            if (const auto* outcome = std::get_if<link::Outcome>(&message)) outcomes.push_back(*outcome);
            if (std::holds_alternative<link::Progress>(message)) ++progresses;
            heard.notify_all();
        });
    }
    link::Outcome next() {
        std::unique_lock lock(mutex);
        heard.wait_for(lock, std::chrono::seconds(5), [this] { return taken < outcomes.size(); });
        return taken < outcomes.size() ? outcomes[taken++] : link::Outcome{};
    }
    link::Command make(const std::string& verb, const std::string& id, int64_t epoch = 1) {
        return {id, "r-1", "s", "shop", epoch, verb, JsonObject{{"file", directory.root + "/mark"}}, 2000};
    }
    std::string ask(const std::string& id) { return std::string(link::nameOf(executor->inquire(id).state)); }
    size_t heardSoFar() {
        const std::lock_guard guard(mutex);
        return outcomes.size();
    }

    std::unique_ptr<Ledger> ledger;
    std::unique_ptr<Executor> executor;
    std::mutex mutex;
    std::condition_variable heard;
    std::vector<link::Outcome> outcomes;
    size_t taken = 0;
    int progresses = 0;
};

TEST_F(ExecutorTest, ARepeatedIdIsAnsweredNotExecuted) {
    EXPECT_EQ(ask("c-1"), "never");
    executor->submit(make("count", "c-1"));
    EXPECT_EQ(integerAt(next().result, "n"), 1);
    executor->submit(make("count", "c-1"));
    EXPECT_EQ(integerAt(next().result, "n"), 1);
    EXPECT_EQ(executions, 1);
    EXPECT_EQ(ask("c-1"), "done");
    begin();
    executor->submit(make("count", "c-1"));
    EXPECT_EQ(integerAt(next().result, "n"), 1);
    EXPECT_EQ(executions, 1) << "after a restart as well";
}

TEST_F(ExecutorTest, WhileItRunsTheSameIdIsIgnored) {
    gate = false;
    executor->submit(make("count", "c-1"));
    EXPECT_EQ(ask("c-1"), "running") << "known as soon as it was submitted";
    executor->submit(make("count", "c-1"));
    EXPECT_EQ(executor->unfinished().size(), 1u);
    gate = true;
    EXPECT_EQ(next().status, link::OutcomeStatus::done);
    EXPECT_TRUE(executor->drain(SystemClock().monotonic() + 5000));
    EXPECT_EQ(heardSoFar(), 1u);
    EXPECT_EQ(executions, 1);
}

TEST_F(ExecutorTest, OlderEpochsUnknownVerbsAndTooManyAreRefused) {
    executor->submit(make("read", "c-1", 7));
    EXPECT_EQ(next().status, link::OutcomeStatus::done);
    executor->submit(make("count", "c-2", 6));
    EXPECT_EQ(next().error->code, ErrorCode::EpochOld);
    EXPECT_EQ(ask("c-2"), "never") << "a refused command leaves no trace";
    begin();
    executor->submit(make("count", "c-2", 6));
    EXPECT_EQ(next().error->code, ErrorCode::EpochOld)
        << "the epoch is durable although only a reading verb brought it";
    executor->submit(make("explode", "c-3", 7));
    EXPECT_EQ(next().error->code, ErrorCode::UnsupportedVerb);
    gate = false;
    for (size_t i = 0; i < limits::commandsInFlight; ++i) executor->submit(make("count", "d-" + std::to_string(i), 7));
    executor->submit(make("count", "c-4", 7));
    EXPECT_EQ(next().error->code, ErrorCode::Busy);
    gate = true;
}

TEST_F(ExecutorTest, CancelReachesTheVerbAndDeadlinesEndIt) {
    gate = false;
    executor->submit(make("count", "c-1"));
    executor->cancel("c-unknown");
    executor->cancel("c-1");
    EXPECT_EQ(next().error->code, ErrorCode::NotDone);
    auto late = make("count", "c-2");
    late.deadlineMs = 50;
    executor->submit(late);
    EXPECT_EQ(next().error->code, ErrorCode::DeadlineExceeded);
}

TEST_F(ExecutorTest, AnErrorOfClassUnknownIsAnUnknownOutcome) {
    executor->submit(make("unknown", "c-1"));
    EXPECT_EQ(next().status, link::OutcomeStatus::unknown);
    EXPECT_EQ(ask("c-1"), "unknown");
}

TEST_F(ExecutorTest, ProgressIsRateLimitedAndTheLastIsSaid) {
    executor->submit(make("talk", "c-1"));
    next();
    const std::lock_guard guard(mutex);
    EXPECT_GE(progresses, 2);
    EXPECT_LE(progresses, 20);
}

TEST_F(ExecutorTest, SecretsDoNotReachTheLedger) {
    auto secret = make("count", "c-1");
    secret.args.as_object()["secrets"] = JsonObject{{"PASSWORD", "hunter2"}};
    executor->submit(secret);
    next();
    executor->drain(SystemClock().monotonic() + 5000);
    EXPECT_EQ(readFile(directory.ledger())->find("hunter2"), std::string::npos);
}

TEST_F(ExecutorTest, WhileDrainingNothingNewBegins) {
    gate = false;
    executor->submit(make("count", "c-1"));
    EXPECT_FALSE(executor->drain(SystemClock().monotonic() + 30));
    executor->submit(make("count", "c-2"));
    EXPECT_EQ(next().error->code, ErrorCode::Busy);
    gate = true;
    EXPECT_TRUE(executor->drain(SystemClock().monotonic() + 5000));
    EXPECT_EQ(ask("c-1"), "done");
}

TEST_F(ExecutorTest, WhatCannotBeLookedAtIsUnknownNotFailed) {
    ASSERT_TRUE(ledger->start(make("unknown", "c-1"), 1));
    begin();
    EXPECT_EQ(ask("c-1"), "never");
    executor->settleUnfinished();
    EXPECT_EQ(next().error->code, ErrorCode::Interrupted);
    EXPECT_EQ(ask("c-1"), "unknown");
}

// Run by the next test, in a process of its own.
TEST_F(ExecutorTest, DISABLED_MarksOnce) {
    executor->submit(make("mark", "c-1"));
    executor->drain(SystemClock().monotonic() + 5000);
}

// The agent is killed by its own fault points; its successor says what the file system says, and the mark is there
// once.
TEST_F(ExecutorTest, KilledAroundTheActItIsSettledAndNeverRepeated) {
    struct Case {
        const char* moment;
        const char* state;
    };
    executor.reset();
    for (const Case one : {Case{"started", "failed"}, Case{"acted", "done"}, Case{"recorded", "done"}}) {
        std::filesystem::remove(directory.root + "/mark");
        std::filesystem::remove(directory.ledger());
        const pid_t child = ::fork();
        if (child == 0) {
            ::setenv("SWINGBRIDGE_FAULT", ("verb.mark." + std::string(one.moment)).c_str(), 1);
            ::setenv("SWB_AGENT_TEST_DIRECTORY", directory.root.c_str(), 1);
            ::execl("/proc/self/exe", "agent_test", "--gtest_also_run_disabled_tests", "--gtest_brief=1",
                    "--gtest_filter=ExecutorTest.DISABLED_MarksOnce", nullptr);
            ::_exit(1);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status)) << one.moment;
        begin();
        executor->settleUnfinished();
        ASSERT_TRUE(executor->drain(SystemClock().monotonic() + 5000));
        EXPECT_EQ(ask("c-1"), one.state) << one.moment;
        begin();  // not draining
        executor->submit(make("mark", "c-1"));
        executor->drain(SystemClock().monotonic() + 5000);
        const auto mark = readFile(directory.root + "/mark");
        EXPECT_EQ(mark ? *mark : "", std::string(one.state) == "done" ? "x" : "") << one.moment;
        executor.reset();
    }
}

}  // namespace
}  // namespace swb::agent
