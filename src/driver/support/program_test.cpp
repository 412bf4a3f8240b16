#include "driver/support/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "driver/support/files.h"
#include "driver/support/process_identity.h"
#include "driver/support/service_manager.h"

namespace swb::driver {

namespace {

Context contextFor(int64_t milliseconds) {
    Context context;
    context.deadline = SystemClock().monotonic() + milliseconds;
    return context;
}

class Program : public ::testing::Test {
  protected:
    void SetUp() override {
        directory = (std::filesystem::temp_directory_path() / "swb-program-XXXXXX").string();
        ASSERT_TRUE(::mkdtemp(directory.data()));
    }
    void TearDown() override { (void)removeTree(directory); }
    std::string directory;
};

}  // namespace

TEST_F(Program, CapturesBothStreamsAndTheStatus) {
    ProgramCall call;
    call.argv = {"sh", "-c", "cat; echo problem >&2; exit 7"};
    call.input = "spoken";
    const auto outcome = runProgram(call, contextFor(5000));
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->exitCode, 7);
    EXPECT_EQ(outcome->output, "spoken");
    EXPECT_EQ(outcome->errors, "problem\n");
    const auto checked = runChecked(call, contextFor(5000));
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().message, ::testing::HasSubstr("problem"));
}

TEST_F(Program, InheritsOnlyACleanEnvironment) {
    ::setenv("SWB_PROGRAM_SECRET", "hidden", 1);
    ProgramCall call;
    call.argv = {"env"};
    call.environment["GIVEN"] = "yes";
    const auto outcome = runProgram(call, contextFor(5000));
    ::unsetenv("SWB_PROGRAM_SECRET");
    ASSERT_TRUE(outcome);
    EXPECT_THAT(outcome->output, ::testing::HasSubstr("GIVEN=yes"));
    EXPECT_THAT(outcome->output, ::testing::Not(::testing::HasSubstr("hidden")));
}

TEST_F(Program, IsKilledWithItsChildrenAtTheDeadline) {
    ProgramCall call;
    call.argv = {"sh", "-c", "sleep 60 & echo $!; wait"};
    std::string printed;
    call.onOutput = [&](std::string_view piece) { printed += piece; };
    const double start = preciseMs();
    const auto outcome = runProgram(call, contextFor(300));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::DeadlineExceeded);
    EXPECT_LT(preciseMs() - start, 5000);
    for (int i = 0; i < 100 && processIdentity(std::atoi(printed.c_str())); ++i) ::usleep(10'000);
    EXPECT_FALSE(processIdentity(std::atoi(printed.c_str())));
}

TEST_F(Program, KeepsTheEndOfMuchOutputAndSurvivesAnEarlyEnd) {
    ProgramCall call;
    call.argv = {"sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; echo end"};
    call.outputBytesMax = 1000;
    const auto outcome = runProgram(call, contextFor(10'000));
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->output.size(), 1000U);
    EXPECT_THAT(outcome->output, ::testing::EndsWith("end\n"));
    ProgramCall deaf;
    deaf.argv = {"true"};
    deaf.input.assign(1 << 20, 'x');
    EXPECT_TRUE(runProgram(deaf, contextFor(5000)));
}

TEST_F(Program, AMissingOneIsAnError) {
    ProgramCall call;
    call.argv = {"/nonexistent/program"};
    EXPECT_EQ(runProgram(call, contextFor(1000)).error().code, ErrorCode::CommandFailed);
    call.argv = {"swb-no-such-program"};
    EXPECT_EQ(runProgram(call, contextFor(1000)).error().code, ErrorCode::CommandFailed);
    EXPECT_EQ(spawnDetached({{"/nonexistent/program"}, {}, {}, "/", ""}).error().code, ErrorCode::CommandFailed);
}

TEST_F(Program, RunsAsAnotherUserForRoot) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can change users";
    ProgramCall call;
    call.argv = {"id", "-un"};
    call.user = osUserByName("nobody").value();
    EXPECT_EQ(runProgram(call, contextFor(5000)).value().output, "nobody\n");
    std::filesystem::permissions(directory, std::filesystem::perms::all);
    ASSERT_TRUE(writeFileAs(*call.user, directory + "/theirs", "x", 0600));
    EXPECT_EQ(ownerOf(directory + "/theirs").value().name, "nobody");
    EXPECT_EQ(::geteuid(), 0U);
}

TEST_F(Program, ADetachedOneIsNobodysChildAndItsIdentityHolds) {
    const auto pid = spawnDetached({{"sleep", "60"}, {}, {}, "/", directory + "/log"});
    ASSERT_TRUE(pid) << describe(pid.error());
    const auto identity = processIdentity(*pid);
    ASSERT_TRUE(identity);
    EXPECT_TRUE(isAlive(*identity));
    EXPECT_FALSE(isAlive({identity->pid, identity->startTicks + 1}));
    EXPECT_FALSE(sendSignal({identity->pid, identity->startTicks + 1}, SIGKILL));
    EXPECT_EQ(::getpgid(*pid) == ::getpgrp(), false);
    EXPECT_LT(std::abs(startedAtSeconds(*identity) - SystemClock().now() / 1000), 5);
    EXPECT_FALSE(awaitExit(*identity, SystemClock().monotonic() + 20));
    EXPECT_TRUE(sendSignal(*identity, SIGTERM));
    EXPECT_TRUE(awaitExit(*identity, SystemClock().monotonic() + 5000));
    EXPECT_FALSE(isAlive(*identity));
}

TEST_F(Program, RemovesTreesWithoutFollowingLinks) {
    std::filesystem::create_directories(directory + "/a/b");
    std::filesystem::create_directories(directory + "/kept");
    ASSERT_TRUE(writeFileAtomically(directory + "/kept/file", "12345"));
    ASSERT_TRUE(writeFileAtomically(directory + "/a/b/file", "123"));
    std::filesystem::create_directory_symlink(directory + "/kept", directory + "/a/link");
    EXPECT_EQ(treeBytes(directory + "/a"), 3);
    ASSERT_TRUE(removeTree(directory + "/a"));
    EXPECT_FALSE(directoryExists(directory + "/a"));
    EXPECT_TRUE(fileExists(directory + "/kept/file"));
    EXPECT_TRUE(removeTree(directory + "/a"));
}

// systemd does not run here: a program in its place writes down what it is asked and answers as systemctl does.
TEST_F(Program, SystemdIsAskedInItsOwnWords) {
    const std::string script = "#!/bin/sh\necho \"$@\" >> " + directory +
                               "/asked\ncase \"$2\" in\n"
                               "mask) touch " +
                               directory + "/masked;;\nunmask) rm -f " + directory +
                               "/masked;;\n"
                               "is-enabled) if [ -e " +
                               directory +
                               "/masked ]; then echo masked; exit 1; fi; echo enabled;;\n"
                               "is-active) exit 3;;\nreload) echo 'Unit is broken' >&2; exit 1;;\nesac\n";
    ASSERT_TRUE(writeFileAtomically(directory + "/systemctl", script, 0755));
    const std::string path = ::getenv("PATH");
    ::setenv("PATH", (directory + ":" + path).c_str(), 1);
    const auto manager = makeSystemdManager("postgresql@15-main");
    const Context context = contextFor(10'000);
    EXPECT_TRUE(manager->start(context));
    EXPECT_TRUE(manager->mask(context));
    EXPECT_TRUE(manager->isMasked(context));
    EXPECT_EQ(manager->start(context).error().code, ErrorCode::GuardRefused);
    EXPECT_TRUE(manager->unmask(context));
    EXPECT_FALSE(manager->isMasked(context));
    EXPECT_FALSE(manager->isRunning(context));
    EXPECT_THAT(manager->reload(context).error().message, ::testing::HasSubstr("Unit is broken"));
    EXPECT_TRUE(manager->stop(context));
    ::setenv("PATH", path.c_str(), 1);
    const std::string asked = readFile(directory + "/asked").value();
    EXPECT_THAT(asked, ::testing::HasSubstr("--no-ask-password mask postgresql@15-main.service\n"));
    EXPECT_THAT(asked, ::testing::HasSubstr("--no-ask-password stop postgresql@15-main.service\n"));
}

}  // namespace swb::driver
