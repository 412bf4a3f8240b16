#include "swing/run_view.h"

#include "swing/program_test_support.h"
#include "swing/run_progress.h"
#include "swing/run_watcher.h"

namespace swb::swing::test {
namespace {

using testing::HasSubstr;
using testing::Not;

const Json tokenError = errorToJson(Error(ErrorCode::TokenNotReached, "the replica is 3 MB short"));

TEST(RunView, ReportSaysWhatMatters) {
    const Json run = runDocument("done", {stepDocument("fence", "done", 21), stepDocument("promote", "done", 44)},
                                 {{"finishedAt", "2026-11-22T10:00:01.250Z"},
                                  {"writeOutageMs", 87},
                                  {"pointOfNoReturnAt", "2026-11-22T10:00:00.700Z"}});
    const std::string report = runReport(run, {});
    for (const char* text :
         {"switch of shop: shop-fra -> shop-nyc  done", "epoch               7", "87 ms (budget 10 s)",
          "point of no return  2026-11-22T10:00:00.700Z", "took                1.2 s", "+ title of fence  21 ms",
          "* promote: proof of promote", "by                  alice", "reason              drill"})
        EXPECT_THAT(report, HasSubstr(text));
    EXPECT_THAT(report, Not(HasSubstr("lost")));
    EXPECT_THAT(report, Not(HasSubstr("\x1b")));
}

TEST(RunView, ExitCodes) {
    EXPECT_EQ(exitCodeOf(runDocument("done")), 0);
    EXPECT_EQ(exitCodeOf(runDocument("aborted")), 1);
    EXPECT_EQ(exitCodeOf(runDocument("failed")), 1);
    EXPECT_EQ(exitCodeOf(runDocument(
                  "failed", {stepDocument("fence", "undone"), stepDocument("await", "failed", 9, tokenError)})),
              1);
    const auto with = [](ErrorCode code) {
        return exitCodeOf(runDocument("failed", {stepDocument("fence", "failed", 1, errorToJson(Error(code, "x")))}));
    };
    EXPECT_EQ(with(ErrorCode::GuardRefused), 3);
    EXPECT_EQ(with(ErrorCode::OutcomeUnknown), 4);
    EXPECT_EQ(with(ErrorCode::DatabaseFailed), 1);
}

TEST(RunView, AnErrorThatARetryOvercameIsNotTheFailure) {
    const Json run =
        runDocument("failed", {stepDocument("lock", "done", 1, errorToJson(Error(ErrorCode::OutcomeUnknown, "old"))),
                               stepDocument("await", "undone", 9, tokenError)});
    EXPECT_EQ(failureOf(run).code, ErrorCode::TokenNotReached);
    EXPECT_EQ(failureOf(run).message, "step await: the replica is 3 MB short");
}

TEST(RunView, ProgressShowsTheActiveStepOnSmallTerminals) {
    std::vector<JsonObject> steps;
    for (int i = 0; i < 30; ++i)
        steps.push_back(stepDocument("s" + std::to_string(i), i < 15 ? "done" : i == 15 ? "running" : "pending", 1));
    const auto lines = RunProgress::lines(runDocument("running", steps), 1500, "", 10, {});
    EXPECT_LE(lines.size(), 9u);
    EXPECT_THAT(lines, testing::Contains(HasSubstr("> title of s15")));
    EXPECT_EQ(RunProgress::lines(runDocument("running", steps), 1500, "", 100, {}).size(), 31u);
    EXPECT_THAT(RunProgress::lines(runDocument("waiting", {}, {{"detail", "agent fra-1 is away"}}), 0, "", 24, {}),
                testing::IsSupersetOf({HasSubstr("agent fra-1 is away"), HasSubstr("swing run retry r-1")}));
}

TEST(RunView, LinesAreCutByColumnsNotBytes) {
    EXPECT_EQ(clippedLine("zürich", 3), "zür");
    EXPECT_EQ(clippedLine("\x1b[31mabcdef\x1b[0mgh", 4), "\x1b[31mabcd\x1b[0m");
}

TEST(RunView, ChecksAreCounted) {
    const Json checks =
        parseJson(R"({"verdict":"refused","checks":[{"name":"a","subject":"x","verdict":"ok","sentence":"fine"},
        {"name":"b","subject":"y","verdict":"warning","sentence":"odd","hint":"look"},
        {"name":"c","subject":"z","verdict":"refused","sentence":"behind","hint":"wait"}]})")
            .value();
    const std::string summary = checksSummary(checks, {});
    EXPECT_THAT(summary, HasSubstr("3 checks: 1 ok, 1 warning, 1 refused"));
    EXPECT_THAT(summary, HasSubstr("z: behind"));
    EXPECT_THAT(summary, HasSubstr("hint: wait"));
    EXPECT_THAT(summary, Not(HasSubstr("fine")));
}

TEST(RunView, LooksOftenAtFirst) {
    EXPECT_LE(RunWatcher::pauseMs(0), 100);
    EXPECT_GE(RunWatcher::pauseMs(60'000), 500);
}

}  // namespace
}  // namespace swb::swing::test
