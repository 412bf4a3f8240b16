// Copies, certificates and histories that went apart, as for MariaDB, on real MySQL servers.
#define SWB_TEST_MYSQL
#include "conformance/database_mariadb_replication_test.cpp"
#include "health/link_facts.h"
#include "support/mysql_main.h"
