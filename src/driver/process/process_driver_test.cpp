#include "driver/process_driver.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "base/file.h"
#include "driver/process/environment_file.h"
#include "driver/process/launch.h"
#include "driver/process/log_file.h"
#include "driver/process/process_test_support.h"
#include "driver/process/session.h"
#include "driver/support/os_user.h"

namespace swb::driver {
namespace {

using testing::HasSubstr;

TEST_F(ProcessTest, runsWithItsEnvironmentInASessionOfItsOwn) {
    const Fd forgotten(::open("/dev/null", O_RDONLY));  // not marked to be closed by exec
    ProcessSpec spec = shell("env > env.txt; pwd; echo trouble >&2; exec sleep 60");
    spec.environment = {{"ROLE", "own"}};
    const ProcessState state = apply(spec, {{"POSTGRESQL_ADDRESS", "127.0.0.1:5432"}, {"ROLE", "application's"}});
    EXPECT_TRUE(state.running);
    EXPECT_EQ(::getsid(state.pid), state.pid);
    ASSERT_TRUE(soon([&] { return log().find("trouble\n") != std::string::npos; }));
    EXPECT_THAT(log(), HasSubstr(directory.path() + "\n"));
    const std::string seen = "\n" + inFile("env.txt");
    EXPECT_THAT(seen, HasSubstr("\nPOSTGRESQL_ADDRESS=127.0.0.1:5432\n"));
    EXPECT_THAT(seen, HasSubstr("\nROLE=own\n"));
    EXPECT_THAT(seen, HasSubstr("\nPATH="));
    EXPECT_THAT(seen,
                HasSubstr("\nSWINGBRIDGE_ENVIRONMENT_FILE=" + context().stateDirectory + "/shop-fra/environment\n"));
    struct stat status {};
    ASSERT_EQ(::stat((context().stateDirectory + "/shop-fra/web.log").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    // Nothing of ours is open in it but the three standard descriptors.
    size_t open = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(state.pid) + "/fd")) {
        (void)entry;
        ++open;
    }
    EXPECT_EQ(open, 3u);
}

TEST_F(ProcessTest, runsAsTheUserThatItNames) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can start a process as another user";
    const auto nobody = osUserByName("nobody");
    ASSERT_TRUE(nobody) << describe(nobody.error());
    ASSERT_EQ(::chmod(directory.path().c_str(), 0711), 0);
    ProcessSpec spec = shell(
        "trap : HUP; id -u; id -G; echo $HOME $USER; cat $SWINGBRIDGE_ENVIRONMENT_FILE; "
        "while :; do sleep 0.02; done");
    spec.directory = "/";
    spec.runAs = "nobody";
    spec.onChange = OnChange::reload;
    const ProcessState state = apply(spec, {{"A", "first"}});
    EXPECT_EQ(state.user, "nobody");
    const std::string gid = std::to_string(nobody->gid);
    const std::string expected = std::to_string(nobody->uid) + "\n" + gid + "\n" + nobody->home + " nobody\nA=first\n";
    EXPECT_TRUE(soon([&] { return log() == expected; })) << log();
    EXPECT_THAT(readFile("/proc/" + std::to_string(state.pid) + "/status").value(),
                HasSubstr("Uid:\t" + std::to_string(nobody->uid) + "\t" + std::to_string(nobody->uid)));
    // A reload finds the new values in the process's own copy, which nobody else can read.
    EXPECT_EQ(apply(spec, {{"A", "second"}}).pid, state.pid);
    const std::string copy = context().stateDirectory + "/shop-fra/web.environment";
    EXPECT_EQ(readFile(copy).value_or(""), "A=second\n");
    struct stat status {};
    ASSERT_EQ(::stat(copy.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0400u);
    EXPECT_EQ(status.st_uid, nobody->uid);
    // Another user is another process.
    ProcessSpec asRoot = spec;
    asRoot.runAs.clear();
    EXPECT_NE(apply(asRoot, {{"A", "second"}}).pid, state.pid);
}

TEST_F(ProcessTest, aUserThatCannotBeTakenIsRefused) {
    ProcessSpec spec = shell("exec sleep 60");
    spec.runAs = "no-such-user";
    const auto missing = driver->apply("shop-fra", spec, {}, context());
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
    EXPECT_THAT(missing.error().hint, HasSubstr("run_as"));
    EXPECT_FALSE(driver->inspect("shop-fra", spec, context()).running);
    // In a copy of this program that is not root.
    const pid_t child = ::fork();
    if (child == 0) {
        const auto nobody = osUserByName("nobody");
        if (::geteuid() == 0 && (!nobody || ::setgid(nobody->gid) != 0 || ::setuid(nobody->uid) != 0)) ::_exit(2);
        spec.runAs = "root";
        const auto refused = makeProcessDriver()->apply("shop-fra", spec, {}, context());
        ::_exit(!refused && refused.error().code == ErrorCode::Unsupported &&
                        refused.error().message.find("run as root, but this agent is not root") != std::string::npos
                    ? 0
                    : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST_F(ProcessTest, applyingAgainChangesNothingAndAnotherAgentAdoptsIt) {
    const ProcessSpec spec = shell("exec sleep 60");
    const int pid = apply(spec).pid;
    EXPECT_EQ(apply(spec).pid, pid);
    driver = makeProcessDriver();
    EXPECT_EQ(apply(spec).pid, pid);
    EXPECT_EQ(driver->inspect("shop-fra", spec, context()).pid, pid);
    ASSERT_TRUE(driver->stop("shop-fra", spec, context()));
    EXPECT_FALSE(driver->inspect("shop-fra", spec, context()).running);
    EXPECT_EQ(driver->stop("shop-fra", spec, context())->pid, 0);
}

TEST_F(ProcessTest, aProcessOfAnAgentThatIsGoneIsAdopted) {
    const ProcessSpec spec = shell("exec sleep 60");
    const pid_t agent = ::fork();
    if (agent == 0) {
        const auto state = makeProcessDriver()->apply("shop-fra", spec, {}, context());
        ::_exit(state && state->running ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(agent, &status, 0), agent);
    ASSERT_EQ(status, 0);
    const ProcessState adopted = driver->inspect("shop-fra", spec, context());
    ASSERT_TRUE(adopted.running);
    EXPECT_EQ(apply(spec).pid, adopted.pid);
    ASSERT_TRUE(driver->stop("shop-fra", spec, context()));
    EXPECT_FALSE(processIdentity(adopted.pid));
}

TEST_F(ProcessTest, anotherProcessWithTheSamePidIsNotConfused) {
    const ProcessSpec spec = shell("exec sleep 60");
    const int pid = apply(spec).pid;
    const std::string path = context().stateDirectory + "/shop-fra/web.json";
    Json record = *parseJson(*readFile(path));
    record.as_object()["startTicks"] = integerAt(record, "startTicks") - 1;
    ASSERT_TRUE(writeFileAtomically(path, toText(record)));
    EXPECT_FALSE(driver->inspect("shop-fra", spec, context()).running);
    ASSERT_TRUE(driver->stop("shop-fra", spec, context()));
    EXPECT_TRUE(processIdentity(pid)) << "a process that is not ours was ended";
    ::kill(pid, SIGKILL);
}

TEST_F(ProcessTest, aChangedEnvironmentRestartsReloadsOrWaits) {
    ProcessSpec spec = shell("trap 'echo reloaded >> hup.txt' HUP; touch trapped.txt; while :; do sleep 0.02; done");
    spec.onChange = OnChange::reload;
    const ProcessState first = apply(spec, {{"FAILOVER_STATUS", "offline"}});
    ASSERT_TRUE(soon([&] { return fileExists(directory.path() + "/trapped.txt"); }));
    const ProcessState reloaded = apply(spec, {{"FAILOVER_STATUS", "online"}});
    EXPECT_EQ(reloaded.pid, first.pid);
    EXPECT_NE(reloaded.environmentHash, first.environmentHash);
    EXPECT_TRUE(soon([&] { return inFile("hup.txt") == "reloaded\n"; }));
    apply(spec, {{"FAILOVER_STATUS", "online"}});
    std::this_thread::sleep_for(std::chrono::milliseconds(80));
    EXPECT_EQ(inFile("hup.txt"), "reloaded\n");

    spec.onChange = OnChange::none;
    EXPECT_EQ(apply(spec, {{"FAILOVER_STATUS", "none"}}).pid, first.pid);
    spec.onChange = OnChange::restart;
    const ProcessState restarted = apply(spec, {{"FAILOVER_STATUS", "none"}});
    EXPECT_NE(restarted.pid, first.pid);
    EXPECT_FALSE(processIdentity(first.pid));
    // A new command cannot be brought to a process by a signal.
    spec.onChange = OnChange::none;
    spec.command = {"sleep", "61"};
    EXPECT_NE(apply(spec, {{"FAILOVER_STATUS", "none"}}).pid, restarted.pid);
    const int before = apply(spec, {{"FAILOVER_STATUS", "none"}}).pid;
    EXPECT_NE(driver->restart("shop-fra", spec, {{"FAILOVER_STATUS", "none"}}, context())->pid, before);
}

TEST_F(ProcessTest, stopIsGentleThenFirmAndTakesTheHelpersAlong) {
    const ProcessSpec gentle =
        shell("trap 'echo bye > bye.txt; exit 0' TERM; touch trapped.txt; while :; do sleep 0.02; done");
    const int first = apply(gentle).pid;
    ASSERT_TRUE(soon([&] { return fileExists(directory.path() + "/trapped.txt"); }));
    ASSERT_TRUE(driver->stop("shop-fra", gentle, context()));
    EXPECT_EQ(inFile("bye.txt"), "bye\n");
    EXPECT_FALSE(processIdentity(first));

    ProcessSpec deaf = shell("trap '' TERM; sleep 300 & echo $! > helper.txt; while :; do sleep 0.05; done");
    deaf.stopMs = 150;
    const int second = apply(deaf).pid;
    ASSERT_TRUE(soon([&] { return !inFile("helper.txt").empty(); }));
    const int helper = std::stoi(inFile("helper.txt"));
    const double started = preciseMs();
    ASSERT_TRUE(driver->stop("shop-fra", deaf, context()));
    EXPECT_GE(preciseMs() - started, 140);
    EXPECT_LT(preciseMs() - started, 2000);
    EXPECT_FALSE(processIdentity(second));
    EXPECT_FALSE(processIdentity(helper));
}

// TERM would cut what it does; it asks to be told otherwise, and ends when that is done.
TEST_F(ProcessTest, itsOwnSignalLetsItFinishWhatItDoes) {
    ProcessSpec spec = shell(
        "trap 'asked=1' QUIT; touch trapped.txt; while [ -z \"$asked\" ]; do sleep 0.02; done;"
        " sleep 0.3; echo answered > answered.txt");
    spec.stopSignal = StopSignal::quit;
    const int pid = apply(spec).pid;
    ASSERT_TRUE(soon([&] { return fileExists(directory.path() + "/trapped.txt"); }));
    ASSERT_TRUE(driver->stop("shop-fra", spec, context()));
    EXPECT_EQ(inFile("answered.txt"), "answered\n");
    EXPECT_FALSE(processIdentity(pid));
}

TEST_F(ProcessTest, aCrashIsExplainedLeavesNoZombieAndIsStartedAnew) {
    const ProcessSpec spec = shell("echo $$ >> pids.txt; echo cannot find my database; exit 3");
    apply(spec);
    ASSERT_TRUE(soon([&] { return !driver->inspect("shop-fra", spec, context()).running; }));
    const std::string first = inFile("pids.txt");
    ASSERT_TRUE(soon([&] { return !fileExists("/proc/" + first.substr(0, first.find('\n'))); })) << "a zombie is left";
    const auto error = [&] { return driver->inspect("shop-fra", spec, context()).error; };
    EXPECT_TRUE(soon([&] { return error() == "it ended with exit status 3; its log ends: cannot find my database"; }))
        << error();
    const auto healthy = driver->awaitHealthy("shop-fra", spec, context());
    ASSERT_FALSE(healthy);
    EXPECT_EQ(healthy.error().code, ErrorCode::CommandFailed);
    apply(spec);
    EXPECT_TRUE(soon([&] { return inFile("pids.txt").size() > first.size(); }));
}

TEST_F(ProcessTest, helpersOfACrashedProcessAreEndedBeforeItStartsAgain) {
    ProcessSpec spec = shell("sleep 300 & echo $! > helper.txt; exit 1");
    const int pid = apply(spec).pid;
    ASSERT_TRUE(soon([&] { return !processIdentity(pid) && !inFile("helper.txt").empty(); }));
    const int helper = std::stoi(inFile("helper.txt"));
    ASSERT_TRUE(processIdentity(helper));
    spec.command = {"sleep", "60"};
    EXPECT_TRUE(apply(spec).running);
    EXPECT_FALSE(processIdentity(helper));
}

TEST_F(ProcessTest, whatCannotBeStartedSaysWhy) {
    ProcessSpec spec = shell("true");
    spec.command = {"./no-such-program"};
    const auto missing = driver->apply("shop-fra", spec, {}, context());
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().message, HasSubstr("./no-such-program cannot be started: No such file"));
    EXPECT_FALSE(driver->inspect("shop-fra", spec, context()).running);
    spec.command = {"no-such-program-in-path"};
    EXPECT_FALSE(driver->apply("shop-fra", spec, {}, context()));
    spec.command = {"sleep", "60"};
    spec.directory = directory.path() + "/nowhere";
    EXPECT_FALSE(driver->apply("shop-fra", spec, {}, context()));
    spec.directory.clear();
    EXPECT_FALSE(driver->apply("../elsewhere", spec, {}, context()));
    EXPECT_FALSE(driver->apply("shop-fra", spec, {{"A=B", "x"}}, context()));
    EXPECT_FALSE(driver->apply("shop-fra", spec, {{"A", std::string("x\0y", 3)}}, context()));
}

TEST_F(ProcessTest, theEnvironmentFileIsPrivateAndCanBeReadByAShell) {
    const Environment environment = {{"A", "plain"},      {"B", "two words"}, {"C", "q\"uo\\te$HOME`id`"},
                                     {"D", "line\nnext"}, {"E", ""},          {"F", "host=a port=5"}};
    const auto path = driver->writeEnvironment("shop-fra", environment, context());
    ASSERT_TRUE(path);
    struct stat status {};
    ASSERT_EQ(::stat(path->c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_EQ(
        *readFile(*path),
        "A=plain\nB=\"two words\"\nC=\"q\\\"uo\\\\te\\$HOME\\`id\\`\"\nD=\"line\nnext\"\nE=\nF=\"host=a port=5\"\n");
    const ProcessSpec spec =
        shell(". '" + *path + "'; printf '%s|%s|%s|%s' \"$A\" \"$B\" \"$C\" \"$D\" > out.txt; sleep 60");
    apply(spec);
    EXPECT_TRUE(soon([&] { return inFile("out.txt") == "plain|two words|q\"uo\\te$HOME`id`|line\nnext"; }))
        << inFile("out.txt");
}

TEST_F(ProcessTest, logsAreKeptSmallWhileTheProcessWrites) {
    ProcessSpec spec = shell("while :; do head -c 300000 /dev/zero | tr '\\0' 'x'; echo; sleep 0.01; done");
    apply(spec);
    const std::string path = context().stateDirectory + "/shop-fra/web.log";
    ASSERT_TRUE(soon([&] {
        driver->inspect("shop-fra", spec, context());
        return fileExists(path + ".1");
    }));
    ASSERT_TRUE(soon([&] { return std::filesystem::file_size(path) > 0; }));
    EXPECT_LE(std::filesystem::file_size(path + ".1"), static_cast<uintmax_t>(processLogBytesMax));
    ASSERT_TRUE(driver->stop("shop-fra", spec, context()));
    driver->inspect("shop-fra", spec, context());
    EXPECT_LE(std::filesystem::file_size(path), static_cast<uintmax_t>(processLogBytesMax));
    // Cut files have no holes: the process goes on at the beginning.
    EXPECT_NE(readFile(path, 64 << 20)->substr(0, 1), std::string(1, '\0'));
}

TEST_F(ProcessTest, aRecordThatCannotBeWrittenLetsNothingRun) {
    Launch what{{"touch", directory.path() + "/ran"},
                "/",
                {{"PATH", "/usr/bin:/bin"}},
                directory.path() + "/log",
                std::nullopt};
    ProcessIdentity seen;
    const auto refused = launch(what, [&](const ProcessIdentity& process) -> Result<void> {
        seen = process;
        return fail(ErrorCode::StorageFailed, "disk full");
    });
    ASSERT_FALSE(refused);
    EXPECT_TRUE(awaitExit(seen, SystemClock().monotonic() + 2000));
    EXPECT_FALSE(fileExists(directory.path() + "/ran"));
}

TEST(EnvironmentHash, tellsKeysFromValues) {
    EXPECT_NE(environmentHash({{"A", "1"}, {"B", "2"}}), environmentHash({{"A", "1B=2"}}));
    EXPECT_EQ(environmentHash({{"A", "1"}, {"B", "2"}}), environmentHash({{"B", "2"}, {"A", "1"}}));
}

}  // namespace
}  // namespace swb::driver
