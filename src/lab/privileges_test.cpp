#include "lab/privileges.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver/support/files.h"

namespace swb::lab {
namespace {

// In a child: there is no way back.
template <typename Check>
int inChild(Check check) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(check() ? 0 : 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Privileges, rootIsNeverWhoALabRunsAs) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    EXPECT_EQ(labUser("root").error().code, ErrorCode::InvalidInput);
    EXPECT_FALSE(labUser("no-such-user-of-this-machine"));
    const auto chosen = labUser("");
    ASSERT_TRUE(chosen) << describe(chosen.error());
    EXPECT_NE(chosen->uid, 0u);
}

TEST(Privileges, whoIsNotRootIsWhoTheyAre) {
    const auto check = [] {
        const auto self = labUser("");
        return self && self->uid == ::geteuid() && !labUser("root");
    };
    if (::geteuid() != 0)
        EXPECT_TRUE(check());
    else
        EXPECT_EQ(inChild([&] { return ::setresuid(65534, 65534, 65534) == 0 && check(); }), 0);
}

TEST(Privileges, rootIsGivenUpForGoodAndOnlyThePriorityIsKept) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    const auto user = driver::osUserByName("nobody");
    ASSERT_TRUE(user);
    EXPECT_EQ(
        inChild([&] {
            if (!becomeUser(*user) || ::getuid() != user->uid || ::geteuid() != user->uid || ::getegid() != user->gid)
                return false;
            if (::setuid(0) == 0 || ::seteuid(0) == 0) return false;
            if (::getgroups(0, nullptr) != 1) return false;
            for (int capability = 0; capability < 40; ++capability)
                if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0) == 1 && capability != 23)
                    return false;
            return true;
        }),
        0);
}

TEST(Privileges, accessIsAskedAsTheUser) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    std::string directory = "/tmp/swb-lab-privileges-XXXXXX";
    ASSERT_TRUE(::mkdtemp(directory.data()));
    const auto user = driver::osUserByName("nobody");
    ASSERT_TRUE(user);
    EXPECT_FALSE(mayEnter(*user, directory));
    EXPECT_TRUE(mayEnter(*user, "/tmp"));
    EXPECT_TRUE(mayExecute(*user, "/bin/sh"));
    EXPECT_FALSE(mayExecute(*user, "/etc/passwd"));
    EXPECT_EQ(::geteuid(), 0u);
    EXPECT_TRUE(driver::removeTree(directory));
}

}  // namespace
}  // namespace swb::lab
