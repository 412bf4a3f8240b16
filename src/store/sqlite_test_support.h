// A store in a directory of its own, and commits whose halves would show.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "base/file.h"
#include "base/ids.h"
#include "store/schema.h"
#include "store/sqlite_store.h"

namespace swb::store::test {

inline JsonObject number(int64_t value) {
    return JsonObject{{"n", value}};
}

// Two documents and an event that all carry the same number: half a commit would show.
inline Commit numbered(int64_t value) {
    return {.puts = {{"left", "x", anyVersion, number(value)}, {"right", "x", anyVersion, number(value)}},
            .events = {{"counted", "x", "tester", number(value)}}};
}

class SqliteStoreTest : public testing::Test {
  protected:
    void SetUp() override { ASSERT_TRUE(makeDirectories(directory_)); }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::unique_ptr<SqliteStore> open() { return SqliteStore::open(path_, clock_).value(); }
    Error openError() {
        auto opened = SqliteStore::open(path_, clock_);
        return opened ? Error(ErrorCode::Bug, "it opened") : opened.error();
    }
    // Changes the closed file behind the store's back.
    void tamper(const std::string& sql) {
        const auto connection = Connection::open(path_).value();
        ASSERT_TRUE(connection.execute(sql));
    }
    std::string content() { return readFile(path_, 1 << 30).value(); }

    // The number that both documents and the last event agree on.
    static int64_t agreedNumber(const SqliteStore& store) {
        const auto left = store.get("left", "x").value();
        if (!left) return 0;
        const int64_t value = integerAt(left->body, "n");
        EXPECT_EQ(integerAt(getOrFail(store, "right", "x")->body, "n"), value);
        const auto events = store.events({.after = store.latestSequence() - 1}).value();
        EXPECT_EQ(events.size(), 1u);
        EXPECT_EQ(integerAt(events.at(0).detail, "n"), value);
        EXPECT_EQ(store.latestSequence(), value);
        EXPECT_TRUE(store.verifyChain()->intact());
        return value;
    }

    SystemClock clock_;
    std::string directory_ = testing::TempDir() + newId("sqlite");
    std::string path_ = directory_ + "/store.db";
};

}  // namespace swb::store::test
