// What a store makes of the file it finds: an older one, a damaged or tampered one, somebody else's; and of a copy.
#include <filesystem>
#include <fstream>

#include "store/sqlite_test_support.h"

namespace swb::store {
namespace {

using namespace test;
using testing::HasSubstr;

using SqliteFileTest = SqliteStoreTest;

TEST_F(SqliteFileTest, TamperingWithTheLogIsFound) {
    {
        auto store = open();
        for (int i = 1; i <= 5; ++i) ASSERT_TRUE(store->commit(numbered(i)));
    }
    std::filesystem::copy(path_, path_ + ".good");
    const auto verdict = [&](const std::string& sql) {
        std::filesystem::copy(path_ + ".good", path_, std::filesystem::copy_options::overwrite_existing);
        tamper(sql);
        return open()->verifyChain().value();
    };
    EXPECT_TRUE(verdict("SELECT 1").intact());
    for (const char* column : {"at", "type", "subject", "actor", "detail", "previous_hash", "hash"}) {
        const auto report = verdict(std::string("UPDATE event SET ") + column + " = '7' WHERE sequence = 3");
        EXPECT_EQ(report.firstBroken, 3) << column;
        EXPECT_EQ(report.checked, 2) << column;
    }
    EXPECT_EQ(verdict("DELETE FROM event WHERE sequence = 2").firstBroken, 2);
    EXPECT_EQ(verdict("DELETE FROM event WHERE sequence = 5").firstBroken, 5);
    EXPECT_EQ(verdict("DELETE FROM event").firstBroken, 1);
    EXPECT_THAT(verdict("UPDATE event SET detail = '{\"n\":4 }' WHERE sequence = 4").problem, HasSubstr("altered"));
    // Renumbering hides the gap but not the hashes.
    EXPECT_EQ(verdict("DELETE FROM event WHERE sequence = 2;"
                      "UPDATE event SET sequence = sequence - 1 WHERE sequence > 2")
                  .firstBroken,
              2);
}

TEST_F(SqliteFileTest, WhatWasForgottenIsForgottenAfterReopeningAndTheRestIsStillGuarded) {
    {
        auto store = open();
        for (int i = 1; i <= 9; ++i) ASSERT_TRUE(store->commit(numbered(i)));
        ASSERT_TRUE(store->forgetEvents(5));
    }
    {
        const auto store = open();
        EXPECT_EQ(store->oldestSequence(), 6);
        EXPECT_EQ(store->latestSequence(), 9);
        EXPECT_EQ(store->events({}).value().front().sequence, 6);
        const ChainReport report = store->verifyChain().value();
        EXPECT_TRUE(report.intact()) << report.problem;
        EXPECT_EQ(report.checked, 4);
    }
    // The first that is left cannot be taken away unnoticed, and not forgotten beyond what is missing.
    tamper("DELETE FROM event WHERE sequence = 6");
    EXPECT_EQ(open()->verifyChain()->firstBroken, 6);
    EXPECT_EQ(open()->forgetEvents(6).error().code, ErrorCode::StorageFailed);
    tamper("UPDATE head SET forgotten_hash = 'x', forgotten = 6");
    EXPECT_EQ(open()->verifyChain()->firstBroken, 7);
}

TEST_F(SqliteFileTest, ABackupIsAWholeStoreAndReplacesNothing) {
    auto store = open();
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(store->commit(numbered(i)));
    const std::string copy = directory_ + "/backup.db";
    const auto made = store->backup(copy);
    ASSERT_TRUE(made) << describe(made.error());
    EXPECT_EQ(store->backup(copy).error().code, ErrorCode::AlreadyExists);
    EXPECT_EQ(store->backup(directory_ + "/absent/backup.db").error().code, ErrorCode::StorageFailed);
    ASSERT_TRUE(store->commit(numbered(4)));
    struct stat status {};
    ASSERT_EQ(::stat(copy.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_FALSE(fileExists(copy + ".new"));
    auto restored = SqliteStore::open(copy, clock_).value();
    EXPECT_EQ(agreedNumber(*restored), 3);
    EXPECT_TRUE(restored->commit(numbered(4)));
}

TEST_F(SqliteFileTest, OtherFilesAreRefusedUntouched) {
    const auto refused = [&](ErrorCode code, std::string_view words) {
        const std::string before = content();
        const Error error = openError();
        EXPECT_EQ(error.code, code) << describe(error);
        EXPECT_THAT(error.message, HasSubstr(std::string(words)));
        EXPECT_EQ(content(), before);
    };
    ASSERT_TRUE(writeFileAtomically(path_, std::string(5000, 'x')));
    refused(ErrorCode::StorageFailed, "damaged");
    std::filesystem::remove(path_);

    ASSERT_TRUE(writeFileAtomically(path_, ""));
    tamper("CREATE TABLE recipe (name)");
    refused(ErrorCode::StorageFailed, "another program");
    std::filesystem::remove(path_);

    ASSERT_TRUE(open()->commit(numbered(1)));
    tamper("PRAGMA user_version = 99");
    refused(ErrorCode::Unsupported, "schema 99");
}

TEST_F(SqliteFileTest, DamageIsReportedAndNotMadeWorse) {
    {
        auto store = open();
        for (int i = 1; i <= 100; ++i) ASSERT_TRUE(store->commit(numbered(i)));
    }
    const std::string good = content();
    const auto refused = [&](const std::string& bytes) {
        std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
        const Error error = openError();
        EXPECT_EQ(error.code, ErrorCode::StorageFailed) << describe(error);
        EXPECT_THAT(error.hint, HasSubstr("backup"));
        EXPECT_EQ(content(), bytes);
    };
    refused(good.substr(0, good.size() / 2));
    std::string scribbled = good;
    std::fill(scribbled.begin() + 4096, scribbled.begin() + 8192, '\x5a');
    refused(scribbled);
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << good;
    tamper("UPDATE document SET body = '{\"n\":' WHERE kind = 'left'");
    refused(content());
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << good;
    tamper("UPDATE head SET revision = 5");
    refused(content());
    tamper("UPDATE head SET revision = 100, sequence = 50");
    refused(content());
}

TEST_F(SqliteFileTest, AMissingDirectoryIsAClearError) {
    path_ = directory_ + "/absent/store.db";
    EXPECT_EQ(openError().code, ErrorCode::StorageFailed);
    EXPECT_THAT(openError().message, HasSubstr("No such file"));
}

TEST_F(SqliteFileTest, AMigrationHappensWholeOrNotAtAll) {
    ASSERT_TRUE(open()->commit(numbered(1)));
    std::vector<std::string> steps(migrations().begin(), migrations().end());
    const auto known = static_cast<int64_t>(steps.size());
    steps.push_back("ALTER TABLE document ADD COLUMN note TEXT; UPDATE nothing SET x = 1;");
    {
        const auto connection = Connection::open(path_).value();
        const auto failed = migrate(connection, known, steps);
        ASSERT_FALSE(failed);
        EXPECT_THAT(failed.error().message, HasSubstr("version " + std::to_string(known + 1)));
        EXPECT_EQ(checkSchema(connection, steps).value(), known);
        EXPECT_FALSE(connection.execute("SELECT note FROM document"));
        steps.back() = "ALTER TABLE document ADD COLUMN note TEXT;";
        ASSERT_TRUE(migrate(connection, known, steps));
        EXPECT_EQ(checkSchema(connection, steps).value(), known + 1);
        EXPECT_TRUE(connection.execute("SELECT note FROM document"));
    }
    EXPECT_EQ(openError().code, ErrorCode::Unsupported) << "this program knows one version less";
}

}  // namespace
}  // namespace swb::store
