// What MariaDB's fence and switch are attacked with, on real MySQL servers.
#define SWB_TEST_MYSQL
#include "conformance/database_mariadb_traps_test.cpp"
#include "support/mysql_main.h"
