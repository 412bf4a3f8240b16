#include "link/message.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "base/file.h"
#include "link/utf8.h"

namespace swb::link {
namespace {

std::string codeOf(const Result<Message>& result) {
    return result ? "accepted" : std::string(codeName(result.error().code));
}

TEST(LinkMessage, GoldenFilesComeBackByteForByte) {
    std::set<size_t> typesSeen;
    for (const auto& entry : std::filesystem::directory_iterator(SWB_GOLDEN_DIR "/link")) {
        const auto text = readFile(entry.path());
        ASSERT_TRUE(text);
        const auto message = decode(*text);
        ASSERT_TRUE(message) << entry.path() << ": " << describe(message.error());
        EXPECT_EQ(toPrettyText(*parseJson(encode(*message))) + "\n", *text) << entry.path();
        EXPECT_TRUE(entry.path().filename().string().starts_with(typeName(*message))) << entry.path();
        typesSeen.insert(message->index());
    }
    EXPECT_EQ(typesSeen.size(), std::variant_size_v<Message>) << "a message has no golden file";
}

TEST(LinkMessage, ValuesArrive) {
    const auto message = decode(*readFile(SWB_GOLDEN_DIR "/link/command.json"));
    ASSERT_TRUE(message);
    const auto& command = std::get<Command>(*message);
    EXPECT_EQ(command.id, "c-4k2vmq7xw3ta");
    EXPECT_EQ(command.verb, "database.fence");
    EXPECT_EQ(command.epoch, 7);
    EXPECT_EQ(command.deadlineMs, 5000);
    EXPECT_EQ(integerAt(command.args, "budgetMs"), 3000);
    const auto failed = decode(*readFile(SWB_GOLDEN_DIR "/link/outcome-failed.json"));
    EXPECT_EQ(std::get<Outcome>(*failed).error->code, ErrorCode::TokenNotReached);
}

TEST(LinkMessage, UnknownMembersAreIgnoredUnknownTypesAreNot) {
    EXPECT_TRUE(decode(R"({"type":"inquire","id":"c-1","colour":"red"})"));
    EXPECT_EQ(codeOf(decode(R"({"type":"explode","id":"c-1"})")), "SWB-PROTOCOL-VIOLATION");
    EXPECT_EQ(codeOf(decode(R"({"id":"c-1"})")), "SWB-PROTOCOL-VIOLATION");
}

TEST(LinkMessage, WhatIsNotAMessageIsRefused) {
    const std::string longText(5000, 'x');
    for (const std::string& text : {
             std::string(),
             std::string("null"),
             std::string("[]"),
             std::string("{"),
             std::string("{}x"),
             std::string(R"({"type":"inquire"})"),
             std::string(R"({"type":"inquire","id":7})"),
             std::string(R"({"type":"inquire","id":""})"),
             std::string(R"({"type":"inquire","id":"../etc"})"),
             std::string(R"({"type":"inquire","id":"..x"})"),
             R"({"type":"inquire","id":")" + longText + R"("})",
             std::string(R"({"type":"command","id":"c-1","verb":"x","deadlineMs":0})"),
             std::string(R"({"type":"command","id":"c-1","verb":"x","deadlineMs":9e18})"),
             std::string(R"({"type":"command","id":"c-1","verb":"x","deadlineMs":5,"args":[]})"),
             std::string(R"({"type":"command","id":"c-1","verb":"x","deadlineMs":5,"epoch":-1})"),
             std::string(R"({"type":"outcome","id":"c-1","status":"perhaps"})"),
             std::string(R"({"type":"outcome","id":"c-1","status":"failed"})"),
             std::string(R"({"type":"outcome","id":"c-1"})"),
             std::string(R"({"type":"hello","version":1,"server":"a","epochs":{"g":"1"}})"),
             std::string(R"({"type":"hello","version":1,"server":"a","unfinished":[{"id":"c-1"}]})"),
             std::string(R"({"type":"welcome","version":1,"heartbeatMs":0})"),
             std::string(R"({"type":"refused"})"),
             R"({"type":"refused","error":{"code":"SWB-BUG","message":")" + longText + R"("}})",
             std::string("{\"type\":\"inquire\",\"id\":\"\xff\"}"),
         })
        EXPECT_EQ(codeOf(decode(text)), "SWB-PROTOCOL-VIOLATION") << text.substr(0, 100);
}

TEST(LinkMessage, OversizedAndDeepTextsAreRefused) {
    EXPECT_EQ(codeOf(decode(std::string(limits::linkFrameBytes + 1, ' '))), "SWB-PROTOCOL-VIOLATION");
    EXPECT_EQ(codeOf(decode(std::string(100'000, '['))), "SWB-PROTOCOL-VIOLATION");
}

TEST(LinkMessage, BrokenTextOfAProgramDoesNotBreakTheFrame) {
    Outcome outcome;
    outcome.id = "c-1";
    outcome.status = OutcomeStatus::failed;
    outcome.error = Error(ErrorCode::CommandFailed, "said \xff\xc3 and " + std::string(10'000, 'y') + "\xc3\xa9");
    const auto back = decode(encode(outcome));
    ASSERT_TRUE(back) << describe(back.error());
    const auto& error = *std::get<Outcome>(*back).error;
    EXPECT_TRUE(error.message.starts_with("said ?? and yyy"));
    EXPECT_EQ(error.message.size(), sentenceBytesMax);
}

TEST(LinkUtf8, RepairsWhatIsNotWellFormedAndNothingElse) {
    const auto repaired = [](std::string text) {
        repairUtf8(text);
        return text;
    };
    EXPECT_EQ(repaired("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x99\x82"),
              "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x99\x82");
    EXPECT_EQ(repaired("\xc0\xaf"), "??");            // overlong
    EXPECT_EQ(repaired("\xed\xa0\x80"), "???");       // surrogate
    EXPECT_EQ(repaired("\xf4\x90\x80\x80"), "????");  // above U+10FFFF
    EXPECT_EQ(repaired("a\xe2\x82"), "a??");          // cut
    EXPECT_EQ(cutText("aa\xe2\x82\xac", 4), "aa");
    EXPECT_EQ(cutText("aa\xe2\x82\xac", 5), "aa\xe2\x82\xac");
}

}  // namespace
}  // namespace swb::link
