#include "lab/lab_processes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver/support/files.h"
#include "driver/support/program.h"

namespace swb::lab {
namespace {

LabProcess process(pid_t pid, pid_t parent, pid_t session, bool marked = false) {
    LabProcess process;
    process.identity = {pid, 1};
    process.parent = parent;
    process.session = session;
    process.marked = marked;
    return process;
}

std::vector<pid_t> pids(const std::vector<LabProcess>& processes) {
    std::vector<pid_t> out;
    for (const LabProcess& process : processes) out.push_back(process.identity.pid);
    return out;
}

using testing::ElementsAre;
using testing::IsEmpty;

TEST(LabProcesses, descendantsAndTheSessionOfAMarkedLeaderBelong) {
    // A marked server 10 with a child 11, a grandchild 12 that left for a session of its own, and a helper 13 that was
    // reparented; 20 is somebody else's.
    const auto all = {process(1, 0, 1),   process(10, 1, 10, true), process(11, 10, 10), process(12, 11, 12),
                      process(13, 1, 10), process(20, 1, 20),       process(30, 1, 30)};
    EXPECT_THAT(pids(belonging(all, 30)), ElementsAre(10, 11, 12, 13));
}

TEST(LabProcesses, aMarkedProgramInSomebodysSessionDoesNotTakeThatSessionAlong) {
    // A test's shell 40 that runs `swing lab load 2> DIR/load.log` as 41; 44 the same in a session whose leader ended.
    const auto all = {process(1, 0, 1),   process(40, 1, 40),       process(41, 40, 40, true), process(42, 40, 40),
                      process(30, 1, 30), process(44, 1, 43, true), process(45, 1, 43)};
    EXPECT_THAT(pids(belonging(all, 30)), ElementsAre(41, 44));
}

TEST(LabProcesses, whoAsksItsParentsAndItsSessionAreSpared) {
    const auto all = {process(1, 0, 1), process(28, 1, 28, true), process(29, 28, 30), process(30, 29, 30, true),
                      process(31, 29, 30)};
    EXPECT_THAT(pids(belonging(all, 30)), IsEmpty());
}

TEST(LabProcesses, mentionsWholePathsOnly) {
    const std::vector<std::string> lab{"/tmp/lab"};
    EXPECT_TRUE(mentions(std::string_view("postgres\0-D\0/tmp/lab/fra-1/postgresql\0", 38), lab));
    EXPECT_TRUE(mentions("nginx: master process /usr/sbin/nginx -p /tmp/lab/fra-1/nginx -c x", lab));
    EXPECT_TRUE(mentions("--dir=/tmp/lab", lab));
    EXPECT_FALSE(mentions("--dir=/tmp/lab2", lab));
    EXPECT_FALSE(mentions("/var/tmp/lab/x", lab));
    EXPECT_FALSE(mentions("", lab));
}

TEST(LabProcesses, findsAndEndsWhatWritesItsErrorsIntoTheDirectory) {
    std::string directory = "/tmp/swb-lab-processes-XXXXXX";
    ASSERT_TRUE(::mkdtemp(directory.data()));
    driver::DetachedProgram program;
    program.argv = {"/bin/sh", "-c", "sleep 300 & sleep 300"};
    program.logFile = directory + "/log";
    const auto pid = driver::spawnDetached(program);
    ASSERT_TRUE(pid) << describe(pid.error());
    std::vector<LabProcess> found;
    for (int i = 0; i < 200 && found.size() < 3; ++i) {
        found = processesOf({directory});
        ::usleep(5000);
    }
    EXPECT_EQ(found.size(), 3u);
    EXPECT_THAT(pids(found), testing::Contains(*pid));
    EXPECT_TRUE(endProcesses({directory}, [] {}));
    EXPECT_THAT(processesOf({directory}), IsEmpty());
    EXPECT_TRUE(driver::removeTree(directory));
}

}  // namespace
}  // namespace swb::lab
