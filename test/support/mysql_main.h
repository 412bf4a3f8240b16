// The main function of programs that test MySQL. Debian has no MySQL: without SWB_MYSQL_PROGRAMS nothing is run, and
// the list of tests says so.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>

#include "support/mariadb_fixture.h"

int main(int argc, char** argv) {
    constexpr int skipped = 77;  // as the build's test list knows it
    ::testing::InitGoogleTest(&argc, argv);
    if (swb::test::mysqlPrograms().empty()) {
        std::printf("no MySQL server is at hand (SWB_MYSQL_PROGRAMS names none): nothing of MySQL is tested\n");
        return skipped;
    }
    return RUN_ALL_TESTS();
}
