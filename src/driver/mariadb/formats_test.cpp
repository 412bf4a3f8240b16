// Formats of MariaDB and MySQL that are read or written as text, and what the two dialects say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "driver/mariadb/dialect.h"
#include "driver/mariadb/divergence.h"
#include "driver/mariadb/dump.h"
#include "driver/mariadb/gtid.h"
#include "driver/mariadb/option_file.h"
#include "driver/mariadb/physical_copy.h"
#include "driver/mariadb/token.h"

namespace swb::driver::mariadb {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

Relation relation(std::string_view here, std::string_view there) {
    return GtidPosition::parse(here)->relationTo(*GtidPosition::parse(there));
}

std::vector<std::string> beyond(std::string_view here, std::string_view there) {
    std::vector<std::string> words;
    const auto list = GtidState::parse(here)->beyond(*GtidState::parse(there));
    for (const auto& surplus : list) words.push_back(text(surplus));
    return words;
}

constexpr const char* uuidA = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
constexpr const char* uuidB = "3e11fa47-71ca-11e1-9e33-c80aa9429563";

std::string set(const std::string& intervals) {
    return std::string(uuidA) + ":" + intervals;
}

}  // namespace

TEST(MariadbGtid, PositionsAreReadAndWritten) {
    EXPECT_EQ(GtidPosition::parse(" 7-2-5, 0-1-100 ")->text(), "0-1-100,7-2-5");
    EXPECT_TRUE(GtidPosition::parse("")->empty());
    EXPECT_EQ(GtidPosition::parse("4294967295-4294967295-18446744073709551615")->domains().size(), 1U);
    for (const char* wrong : {"0", "0-1", "0-1-x", "0-1-2-3", "0-1-2,", ",", "0-1-2,0-2-3", "-1-1-1", "0-4294967296-1",
                              "0-1-18446744073709551616", "0--1", "uuid:1-5"})
        EXPECT_FALSE(GtidPosition::parse(wrong)) << wrong;
}

TEST(MariadbGtid, PositionsCompareByHistoryNotByNumberAlone) {
    EXPECT_EQ(relation("0-1-100", "0-1-100"), Relation::equal);
    EXPECT_EQ(relation("0-1-99", "0-1-100"), Relation::behind);
    EXPECT_EQ(relation("0-2-101", "0-1-100"), Relation::ahead);
    EXPECT_EQ(relation("0-2-100", "0-1-100"), Relation::diverged);
    EXPECT_EQ(relation("0-1-100,1-1-5", "0-1-100"), Relation::ahead);
    EXPECT_EQ(relation("0-1-100", "0-1-100,1-1-5"), Relation::behind);
    EXPECT_EQ(relation("0-1-101,1-1-4", "0-1-100,1-1-5"), Relation::diverged);
    EXPECT_EQ(relation("", ""), Relation::equal);
    EXPECT_EQ(relation("", "0-1-1"), Relation::behind);
    EXPECT_EQ(GtidPosition::parse("0-1-5,2-1-1")->joinedWith(*GtidPosition::parse("0-2-9,3-1-1")).text(),
              "0-2-9,2-1-1,3-1-1");
}

TEST(MariadbGtid, WhatOnlyOneServerHasIsFoundByServer) {
    EXPECT_THAT(beyond("0-1-100,0-2-101", "0-1-100"), ElementsAre("0-2-1..101"));
    EXPECT_THAT(beyond("0-1-101", "0-1-100,0-2-150"), ElementsAre("0-1-101"));
    EXPECT_THAT(beyond("0-1-100", "0-1-100,0-2-150"), ElementsAre());
}

TEST(MariadbGtid, TheStateOfALogIsKnownAtAnEarlierPosition) {
    EXPECT_EQ(*logStateAt("0-1-5,0-37-100", "0-37-100"), "0-1-5,0-37-100");
    EXPECT_EQ(*logStateAt("0-1-5,0-37-120", "0-37-100"), "0-1-5,0-37-100") << "it went on since";
    EXPECT_EQ(*logStateAt("0-1-5,0-37-100,0-52-130", "0-37-100"), "0-1-5,0-37-100") << "somebody else did";
    EXPECT_EQ(*logStateAt("0-52-90,0-37-100,7-1-3,7-2-4,8-1-1", "0-37-100,7-2-4"), "0-52-90,7-1-3,0-37-100,7-2-4");
    EXPECT_EQ(*logStateAt("", "0-37-100"), "0-37-100");
    EXPECT_FALSE(logStateAt("0-1", "0-37-100"));
    EXPECT_FALSE(logStateAt("0-1-5", "here"));
}

TEST(MariadbCopy, ThePositionStandsInTheThirdColumn) {
    EXPECT_EQ(positionInBackup("swingbridge-bin.000002\t1234\t0-1-100\n"), "0-1-100");
    EXPECT_EQ(positionInBackup("log.000002\t1234\t0-1-100,\n7-2-5\n"), "0-1-100,7-2-5");
    EXPECT_EQ(positionInBackup("log.000002\t1234\n"), "");
    EXPECT_EQ(positionInBackup(""), "");
}

TEST(MariadbDump, TablesThatComeAndGoAreARepetitionsReason) {
    EXPECT_TRUE(
        tablesChanged("mariadb-dump: Error 1412: Table definition has changed, please retry transaction when "
                      "dumping table `t3` at row: 0"));
    EXPECT_TRUE(
        tablesChanged("mariadb-dump: Couldn't execute 'show create table `t`': Table 'shop.t' doesn't exist (1146)"));
    EXPECT_TRUE(
        tablesChanged("mariadb-dump: Couldn't execute 'SELECT 1': Error on delete of '/tmp/#sql-temptable-1.MAI' "
                      "(Errcode: 2 \"No such file or directory\") (6)"));
    EXPECT_FALSE(tablesChanged("mariadb-dump: Got error: 1045: Access denied"));
    EXPECT_FALSE(tablesChanged("mariadb-dump: Error 14120: something else"));
}

TEST(MysqlGtid, SetsAreReadNormalisedAndSubtracted) {
    EXPECT_EQ(GtidSet::parse(set("5-7:1-3:4") + ",\n" + uuidB + ":9")->text(), set("1-7") + "," + uuidB + ":9");
    EXPECT_EQ(GtidSet::parse("3E11FA47-71CA-11E1-9E33-C80AA9429562:1")->text(), set("1"));
    EXPECT_EQ(GtidSet::parse(set("1-3:tag_1:1-2"))->text(), set("1-3") + "," + uuidA + ":tag_1:1-2");
    EXPECT_EQ(GtidSet::parse(set("1-10"))->without(*GtidSet::parse(set("3-4:8"))).text(), set("1-2:5-7:9-10"));
    EXPECT_TRUE(GtidSet::parse(set("1-10"))->without(*GtidSet::parse(set("1-20"))).empty());
    EXPECT_EQ(GtidSet::parse(set("1-18446744073709551615"))->text(), set("1-18446744073709551615"));
    EXPECT_TRUE(GtidSet::parse("")->empty());
    for (const char* wrong : {"0-1-100", "3e11fa47:1", "3e11fa47-71ca-11e1-9e33-c80aa9429562",
                              "3e11fa47-71ca-11e1-9e33-c80aa9429562:0", "3e11fa47-71ca-11e1-9e33-c80aa9429562:5-4",
                              "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-", "3e11fa47x71ca-11e1-9e33-c80aa9429562:1"})
        EXPECT_FALSE(GtidSet::parse(wrong)) << wrong;
    const auto few = *GtidSet::parse(set("1-5")), more = *GtidSet::parse(set("1-6")),
               other = *GtidSet::parse(std::string(uuidB) + ":1");
    EXPECT_EQ(few.relationTo(more), Relation::behind);
    EXPECT_EQ(more.relationTo(few), Relation::ahead);
    EXPECT_EQ(few.relationTo(few), Relation::equal);
    EXPECT_EQ(few.relationTo(other), Relation::diverged);
}

TEST(MariadbDump, ThePositionIsFoundNearTheEndAndNeverGuessed) {
    // As a dump of all databases has it: a comment, after the data.
    const std::string dump =
        "-- MariaDB dump\nINSERT INTO `t` VALUES ('-- SET GLOBAL gtid_slave_pos=\\'9-9-9\\';');\n"
        "--\n-- CHANGE MASTER TO MASTER_USE_GTID=slave_pos;\n"
        "-- SET GLOBAL gtid_slave_pos='0-1-100';\n-- Dump completed on 2026-11-22  7:40:01\n";
    EXPECT_EQ(positionAtEndOfDump(dump), "0-1-100");
    EXPECT_TRUE(isCompleteDump(dump));
    EXPECT_FALSE(isCompleteDump(dump.substr(0, dump.size() - 60)));
    EXPECT_EQ(positionAtEndOfDump("-- SET GLOBAL gtid_slave_pos='';\n"), "");
    EXPECT_EQ(positionAtEndOfDump("-- Dump completed\n"), "");
}

TEST(MysqlDump, ThePositionStandsBeforeTheData) {
    const std::string position = set("1-5") + ",\n" + uuidB + ":1';\n*/\n",
                      data = "INSERT INTO `t` VALUES ('SET @@GLOBAL.GTID_PURGED=\\'+" + set("1-99") + "\\'');\n",
                      expected = set("1-5") + "," + uuidB + ":1";
    // As 8.0 writes it, and as 9.7 does.
    EXPECT_EQ(positionAtBeginOfDump("-- x\nSET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ '" + position + data), expected);
    EXPECT_EQ(positionAtBeginOfDump("-- x\n/* SET @@GLOBAL.GTID_PURGED='+" + position + data), expected);
    EXPECT_EQ(positionAtBeginOfDump("/* SET @@GLOBAL.GTID_PURGED='+';*/"), "");
    EXPECT_EQ(positionAtBeginOfDump("SET @@GLOBAL.GTID_PURGED='" + set("1-5")), "");
    EXPECT_EQ(positionAtBeginOfDump("-- Dump completed\n"), "");
}

TEST(MysqlLogText, TransactionsAreListed) {
    EXPECT_THAT(gtidsInMysqlLogText("SET @@SESSION.GTID_NEXT= '" + set("6") +
                                    "'/*!*/;\n### @2='SET "
                                    "@@SESSION.GTID_NEXT= '" +
                                    set("7") +
                                    "'\nSET @@SESSION.GTID_NEXT= "
                                    "'AUTOMATIC' /* added by mysqlbinlog */;\n"),
                ElementsAre(set("6")));
}

TEST(MariadbLogText, TransactionsAreListed) {
    EXPECT_THAT(gtidsInLogText("#261122  8:00:01 server id 7  end_log_pos 382 CRC32 0x1 \tGTID 0-7-12 trans\n"
                               "#261122  8:00:02 server id 7  end_log_pos 582 CRC32 0x2 \tGTID 0-7-13 ddl\n"
                               "### SET @2='\tGTID x'\n"),
                ElementsAre("0-7-12", "0-7-13"));
}

TEST(MariadbOptionFile, OurFileIsReadBack) {
    Options options;
    setOption(options, "server_id", "7");
    setOption(options, "ssl_ca", "/a b/c=d.pem");
    setOption(options, "server_id", "8");
    EXPECT_EQ(optionsOf(optionText(options)), options);
    EXPECT_EQ(optionIn(options, "server_id"), "8");
    EXPECT_EQ(optionIn(options, "absent"), std::nullopt);
    setOption(options, "hostile", "x\n[client]\npassword = y");
    EXPECT_EQ(optionsOf(optionText(options)).size(), 3U);
}

TEST(MariadbOptionFile, TheIncludeIsOneBlockAtTheEndAndLeavesTheRest) {
    const std::string file = "[mysqld]\nport = 3306\n!includedir /etc/mysql/conf.d/";
    const std::string with = withInclude(file, "/state/swingbridge.cnf");
    EXPECT_EQ(with.rfind(file + "\n", 0), 0U);
    EXPECT_TRUE(includes(with, "/state/swingbridge.cnf"));
    EXPECT_FALSE(includes(with, "/state/swingbridge"));
    EXPECT_EQ(withInclude(with, "/state/swingbridge.cnf"), with);
    EXPECT_EQ(withInclude(with, ""), file + "\n");
    EXPECT_THAT(withInclude(with, "/other.cnf"), Not(HasSubstr("/state/")));
}

TEST(MariadbToken, ComesBackOrIsRefused) {
    const Token token = makeToken("main", Engine::mariadb, {"id-1", "0-1-5", 3}, 1000);
    const auto parsed = parseToken(token, Engine::mariadb);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->identity, "id-1");
    EXPECT_EQ(parsed->end, "0-1-5");
    EXPECT_EQ(parsed->epoch, 3);
    EXPECT_FALSE(parseToken(token, Engine::mysql));
    for (const char* member : {"systemId", "end", "engine"}) {
        Token broken = token;
        broken.proof.as_object()[member] = "";
        EXPECT_FALSE(parseToken(broken, Engine::mariadb)) << member;
    }
}

TEST(MariadbDialect, FollowsByGtidOverVerifiedTls) {
    const Dialect& dialect = Dialect::of(Engine::mariadb);
    const SourceAddress source{"10.0.0.5", 3306, "swingbridge_repl", "/t/ca.pem", "/t/c.pem", "/t/c.key"};
    const auto demoted = dialect.followSource(source, "0-1-5", 101119);
    ASSERT_EQ(demoted.size(), 1U);
    for (const char* part :
         {"MASTER_HOST='10.0.0.5'", "MASTER_PORT=3306", "MASTER_SSL=1", "MASTER_SSL_VERIFY_SERVER_CERT=1",
          "MASTER_USE_GTID=slave_pos", "MASTER_DEMOTE_TO_SLAVE=1", "MASTER_SSL_KEY='/t/c.key'"})
        EXPECT_THAT(demoted[0], HasSubstr(part));
    // Before 10.10 the position is set by hand; a fresh copy has its own.
    EXPECT_THAT(dialect.followSource(source, "0-1-5", 100600),
                ElementsAre("SET GLOBAL gtid_slave_pos = '0-1-5'", Not(HasSubstr("DEMOTE"))));
    EXPECT_THAT(dialect.followSource(source, "", 101119), ElementsAre(Not(HasSubstr("DEMOTE"))));
    EXPECT_EQ(dialect.awaitPosition("0-1-5", 1050), "SELECT MASTER_GTID_WAIT('0-1-5', 1.050)");
    EXPECT_EQ(dialect.relation("0-1-5", "0-1-6").value(), Relation::behind);
    EXPECT_FALSE(dialect.relation("x", "0-1-6"));
}

TEST(MysqlDialect, SpeaksMysql) {
    const Dialect& dialect = Dialect::of(Engine::mysql);
    const SourceAddress source{"10.0.0.5", 3306, "swingbridge_repl", "/t/ca.pem", "/t/c.pem", "/t/c.key"};
    const auto follow = dialect.followSource(source, set("1-5"), 80036);
    ASSERT_EQ(follow.size(), 1U);
    for (const char* part : {"CHANGE REPLICATION SOURCE TO", "SOURCE_HOST='10.0.0.5'", "SOURCE_AUTO_POSITION=1",
                             "SOURCE_SSL=1", "SOURCE_SSL_VERIFY_SERVER_CERT=1"})
        EXPECT_THAT(follow[0], HasSubstr(part));
    EXPECT_THAT(follow[0], Not(HasSubstr("MASTER")));
    EXPECT_EQ(dialect.awaitPosition(set("1-5"), 50), "SELECT WAIT_FOR_EXECUTED_GTID_SET('" + set("1-5") + "', 0.050)");
    EXPECT_EQ(dialect.closeWrites(), "SET GLOBAL super_read_only = 1");
    EXPECT_EQ(dialect.openWrites(), "SET GLOBAL super_read_only = 0, GLOBAL read_only = 0");
    EXPECT_EQ(dialect.writtenPosition(), "@@GLOBAL.gtid_executed");
    EXPECT_EQ(dialect.showReplica(), "SHOW REPLICA STATUS");
    EXPECT_EQ(dialect.stopReplica(), "STOP REPLICA");
    EXPECT_EQ(dialect.forgetSource(), "RESET REPLICA ALL");
    EXPECT_THAT(dialect.adoptPosition(set("1-5"), "", 80036).value(),
                ElementsAre("RESET MASTER", "SET GLOBAL gtid_purged = '" + set("1-5") + "'"));
    EXPECT_EQ(dialect.adoptPosition(set("1-5"), "", 80400).value()[0], "RESET BINARY LOGS AND GTIDS");
    EXPECT_STREQ(dialect.columns().receiver, "Replica_IO_Running");
    EXPECT_EQ(dialect.relation(set("1-5"), set("1-6")).value(), Relation::behind);
    EXPECT_THAT(dialect.surplus(set("1-7"), set("1-5")).value(), ElementsAre(set("6-7")));
    EXPECT_TRUE(dialect.closesForEverybody());
    Row status;
    status.put("Executed_Gtid_Set", set("1-7"));
    status.put("Retrieved_Gtid_Set", set("6-7"));
    EXPECT_TRUE(dialect.hasAppliedAll(status).value());
    Row behind;
    behind.put("executed_gtid_set", set("1-6"));
    behind.put("RETRIEVED_GTID_SET", set("6-7"));
    EXPECT_FALSE(dialect.hasAppliedAll(behind).value());
}

TEST(Dialects, QuoteWhatDefinitionsAndServersSay) {
    const SourceAddress hostile{"h', MASTER_SSL=0, MASTER_USER='x\\", 1, "u", "a", "c", "k"};
    EXPECT_THAT(Dialect::of(Engine::mariadb).followSource(hostile, "", 101119)[0],
                HasSubstr("MASTER_HOST='h\\', MASTER_SSL=0, MASTER_USER=\\'x\\\\', MASTER_PORT=1"));
}

}  // namespace swb::driver::mariadb
