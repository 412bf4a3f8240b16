#include "agent/ledger.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/ids.h"

namespace swb::agent {
namespace {

class LedgerTest : public testing::Test {
  protected:
    LedgerTest() { std::filesystem::create_directories(directory); }
    ~LedgerTest() override { std::filesystem::remove_all(directory); }

    static link::Command command(const std::string& id, int64_t epoch = 1, const std::string& group = "shop") {
        return {id, "r-1", "fence", group, epoch, "database.fence", JsonObject{{"budgetMs", 5}}, 1000};
    }
    static link::Outcome outcome(const std::string& id) {
        return {id, link::OutcomeStatus::done, JsonObject{{"of", id}}, std::nullopt, 1, 2, 1};
    }
    std::unique_ptr<Ledger> open(size_t entriesMax = 100) {
        auto ledger = Ledger::open(path, entriesMax);
        EXPECT_TRUE(ledger) << describe(ledger.error());
        return ledger ? std::move(*ledger) : nullptr;
    }
    static void complete(Ledger& ledger, const std::string& id, int64_t epoch = 1) {
        ASSERT_TRUE(ledger.start(command(id, epoch), 1));
        ledger.remember(outcome(id));
        ASSERT_TRUE(ledger.flush(id));
    }

    std::string directory = std::filesystem::temp_directory_path() / newId("swb-ledger-test");
    std::string path = directory + "/journal";
};

TEST_F(LedgerTest, RemembersAcrossRestarts) {
    complete(*open(), "c-1");
    const auto ledger = open();
    const auto entry = ledger->find("c-1");
    ASSERT_TRUE(entry && entry->outcome);
    EXPECT_EQ(textAt(entry->outcome->result, "of"), "c-1");
    EXPECT_EQ(entry->command.verb, "database.fence");
    EXPECT_TRUE(ledger->unfinished().empty());
    EXPECT_FALSE(ledger->find("c-2"));
}

TEST_F(LedgerTest, AStartWithoutOutcomeIsUnfinished) {
    {
        const auto ledger = open();
        ASSERT_TRUE(ledger->start(command("c-1"), 1));
        ASSERT_TRUE(ledger->start(command("c-2"), 2));
        ledger->remember(outcome("c-2"));  // not flushed: as good as never
    }
    const auto ledger = open();
    ASSERT_EQ(ledger->unfinished().size(), 2u);
    EXPECT_EQ(ledger->unfinished()[0].command.id, "c-1");
    EXPECT_EQ(integerAt(ledger->unfinished()[0].command.args, "budgetMs"), 5);
}

// The process is killed right behind each write; what the file then says must fit what had been done.
TEST_F(LedgerTest, KilledAtEveryPoint) {
    const char* const expected[] = {"absent", "unfinished", "unfinished", "done"};
    for (int point = 0; point < 4; ++point) {
        std::filesystem::remove(path);
        const pid_t child = ::fork();
        if (child == 0) {
            auto ledger = Ledger::open(path, 100);
            if (point >= 1 && !(*ledger)->start(command("c-1"), 1)) ::_exit(1);
            if (point >= 2) (*ledger)->remember(outcome("c-1"));
            if (point >= 3 && !(*ledger)->flush("c-1")) ::_exit(1);
            ::kill(::getpid(), SIGKILL);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status));
        const auto ledger = open();
        const auto entry = ledger->find("c-1");
        EXPECT_EQ(!entry ? "absent" : entry->outcome ? "done" : "unfinished", std::string(expected[point]));
    }
}

// A power cut may leave any beginning of the last line.
TEST_F(LedgerTest, ATornLastLineIsLeftOutWhereverItWasCut) {
    {
        const auto ledger = open();
        complete(*ledger, "c-1");
        ASSERT_TRUE(ledger->start(command("c-2", 5), 1));
    }
    const std::string whole = *readFile(path);
    const size_t lastLine = whole.rfind('\n', whole.size() - 2) + 1;
    for (size_t cut = lastLine; cut < whole.size(); cut += 7) {
        ASSERT_TRUE(writeFileAtomically(path, whole.substr(0, cut)));
        const auto ledger = open();
        EXPECT_TRUE(ledger->find("c-1"));
        EXPECT_FALSE(ledger->find("c-2"));
        complete(*ledger, "c-3");
        EXPECT_TRUE(open()->find("c-3"));
    }
}

TEST_F(LedgerTest, ADamagedLineCostsOnlyItself) {
    complete(*open(), "c-1");
    std::string content = *readFile(path);
    content += "S 1 {\"type\":\"inquire\",\"id\":\"c-9\"}\nrubbish\n\nF {}\nE x shop\n";
    ASSERT_TRUE(writeFileAtomically(path, content));
    ASSERT_TRUE(appendAndFlush(path, "E 4 shop\n"));
    const auto ledger = open();
    EXPECT_TRUE(ledger->find("c-1"));
    EXPECT_EQ(ledger->epochs().at("shop"), 4);
}

TEST_F(LedgerTest, EpochsOnlyGrowAndLast) {
    {
        const auto ledger = open();
        EXPECT_TRUE(ledger->checkEpoch("shop", 7));
        EXPECT_TRUE(ledger->checkEpoch("shop", 7));
        EXPECT_EQ(ledger->checkEpoch("shop", 6).error().code, ErrorCode::EpochOld);
        EXPECT_TRUE(ledger->checkEpoch("other", 1));
        EXPECT_TRUE(ledger->checkEpoch("", 0));
        ASSERT_TRUE(ledger->start(command("c-1", 9), 1));
    }
    const auto ledger = open();
    EXPECT_EQ(ledger->checkEpoch("shop", 8).error().code, ErrorCode::EpochOld);
    EXPECT_EQ(ledger->epochs().at("shop"), 9);
    EXPECT_EQ(ledger->epochs().size(), 2u);
}

TEST_F(LedgerTest, ForgetsTheOldestButNothingUnfinishedAndNoEpoch) {
    {
        const auto ledger = open(10);
        ASSERT_TRUE(ledger->start(command("c-open"), 1));
        for (int i = 0; i < 200; ++i) complete(*ledger, "c-" + std::to_string(i), i + 1);
        EXPECT_EQ(ledger->size(), 10u);
        EXPECT_LT(std::filesystem::file_size(path), 30'000u) << "the file is rewritten when it has grown";
    }
    const auto ledger = open(10);
    EXPECT_TRUE(ledger->find("c-open"));
    EXPECT_TRUE(ledger->find("c-199"));
    EXPECT_FALSE(ledger->find("c-5"));
    EXPECT_EQ(ledger->epochs().at("shop"), 200);
    EXPECT_EQ(ledger->unfinished().size(), 1u);
}

TEST_F(LedgerTest, ReadingLeavesNoTraceOnDisk) {
    {
        const auto ledger = open();
        ledger->startReading(command("c-1"), 1);
        ledger->remember(outcome("c-1"));
        ASSERT_TRUE(ledger->flush("c-1"));
        EXPECT_TRUE(ledger->find("c-1")->outcome);
        EXPECT_TRUE(ledger->unfinished().empty());
    }
    EXPECT_FALSE(open()->find("c-1"));
}

// A start is inside the write outage of a switch; the bound is generous, the figure is printed.
TEST_F(LedgerTest, AStartCostsOneFlush) {
    const auto ledger = open(2000);
    std::vector<double> milliseconds;
    for (int i = 0; i < 200; ++i) {
        const double begun = preciseMs();
        ASSERT_TRUE(ledger->start(command("c-" + std::to_string(i)), 1));
        milliseconds.push_back(preciseMs() - begun);
    }
    std::sort(milliseconds.begin(), milliseconds.end());
    RecordProperty("medianMs", std::to_string(milliseconds[100]));
    std::printf("ledger start: median %.3f ms, p95 %.3f ms, max %.3f ms\n", milliseconds[100], milliseconds[190],
                milliseconds[199]);
    EXPECT_LT(milliseconds[100], 50);
}

}  // namespace
}  // namespace swb::agent
