#include "driver/support/urgency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace swb::driver {
namespace {

int schedulerHere() {
    return ::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
}

// Whether the tests' user may raise anything: root, or one with CAP_SYS_NICE.
bool mayRaise() {
    bool may = false;
    std::thread([&may] {
        sched_param parameters{};
        parameters.sched_priority = 1;
        may = ::sched_setscheduler(0, SCHED_RR, &parameters) == 0;
    }).join();
    return may;
}

// A child that waits to be ended.
pid_t waitingChild() {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::pause();
        ::_exit(0);
    }
    return pid;
}

void end(pid_t pid) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
}

std::vector<pid_t> childrenHere() {
    std::vector<pid_t> pids;
    for (const auto& child : childrenOf(*processIdentity(::getpid()))) pids.push_back(child.pid);
    return pids;
}

TEST(Urgency, AThreadIsRaisedWithNothingItStarts) {
    const int wanted = mayRaise() ? SCHED_RR : SCHED_OTHER;
    {
        const HurriedThread hurried;
        EXPECT_EQ(schedulerHere(), wanted);
        int startedThere = -1;
        std::thread([&] { startedThere = schedulerHere(); }).join();
        EXPECT_EQ(startedThere, SCHED_OTHER);
        const pid_t child = waitingChild();
        EXPECT_EQ(::sched_getscheduler(child), SCHED_OTHER);
        end(child);
        { const HurriedThread again; }
        EXPECT_EQ(schedulerHere(), wanted) << "the inner one ended what it had not begun";
    }
    EXPECT_EQ(schedulerHere(), SCHED_OTHER);
}

TEST(Urgency, AProcessIsRaisedAndPutBack) {
    const pid_t child = waitingChild();
    const auto identity = processIdentity(child);
    ASSERT_TRUE(identity);
    EXPECT_EQ(hurry(*identity), mayRaise());
    EXPECT_EQ(::sched_getscheduler(child) & ~SCHED_RESET_ON_FORK, mayRaise() ? SCHED_RR : SCHED_OTHER);
    endHurry(*identity);
    EXPECT_EQ(::sched_getscheduler(child) & ~SCHED_RESET_ON_FORK, SCHED_OTHER);
    end(child);
    EXPECT_FALSE(hurry(*identity));
}

TEST(Urgency, ChildrenOfEveryThreadAreFound) {
    const pid_t own = waitingChild();
    pid_t ofThread = 0;
    std::thread holder;
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    holder = std::thread([&] {
        ofThread = waitingChild();
        char nothing;
        (void)!::read(pipe[0], &nothing, 1);  // the parent is this thread for as long as it lives
    });
    while (childrenHere().size() < 2) ::usleep(1000);
    EXPECT_THAT(childrenHere(), testing::UnorderedElementsAre(own, ofThread));
    (void)!::write(pipe[1], "x", 1);
    holder.join();
    end(own);
    end(ofThread);
    EXPECT_THAT(childrenHere(), testing::IsEmpty());
    ::close(pipe[0]);
    ::close(pipe[1]);
}

}  // namespace
}  // namespace swb::driver
