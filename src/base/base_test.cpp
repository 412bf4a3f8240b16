#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "base/clock.h"
#include "base/file.h"
#include "base/file_limit.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/secret.h"

namespace swb {
namespace {

TEST(Error, EveryCodeHasAUniqueNameAndASentence) {
    std::set<std::string_view> names;
    for (const ErrorCode code : allErrorCodes()) {
        EXPECT_TRUE(names.insert(codeName(code)).second) << codeName(code);
        EXPECT_EQ(codeName(code).substr(0, 4), "SWB-");
        EXPECT_FALSE(codeSentence(code).empty());
        EXPECT_EQ(codeFromName(codeName(code)), code);
    }
}

TEST(Error, ExitCodesAreTheContract) {
    EXPECT_EQ(exitCode(ErrorCode::InvalidInput), 2);
    EXPECT_EQ(exitCode(ErrorCode::NotReady), 3);
    EXPECT_EQ(exitCode(ErrorCode::OutcomeUnknown), 4);
    EXPECT_EQ(exitCode(ErrorCode::DatabaseFailed), 1);
}

TEST(Json, RefusesDepthSizeAndTrailingBytes) {
    EXPECT_FALSE(parseJson(std::string(40, '[') + std::string(40, ']')));
    EXPECT_FALSE(parseJson("{} x"));
    EXPECT_FALSE(parseJson("[1" + std::string(400, '0') + "]")) << "infinity could not be written again";
    EXPECT_EQ(parseJson("[1,2,3]", 3).error().code, ErrorCode::TooLarge);
}

TEST(JsonReader, ReportsTheFirstProblemWithItsPath) {
    const Json value = *parseJson(R"({"name": 3, "other": true})");
    JsonReader reader(value, "processes.web");
    reader.string("name");
    EXPECT_EQ(reader.finish().error().message, "processes.web.name must be a string");
}

TEST(JsonReader, UnknownKeysAreErrors) {
    const Json value = *parseJson(R"({"name": "x", "colour": 1})");
    JsonReader reader(value);
    EXPECT_EQ(reader.string("name"), "x");
    EXPECT_EQ(reader.finish().error().message, "colour is not a known key");
}

TEST(Ids, NamesAreDnsLabels) {
    EXPECT_TRUE(isName("shop-fra"));
    EXPECT_FALSE(isName(""));
    EXPECT_FALSE(isName("-a"));
    EXPECT_FALSE(isName("a-"));
    EXPECT_FALSE(isName("Shop"));
    EXPECT_FALSE(isName(std::string(64, 'a')));
    EXPECT_NE(newId("r"), newId("r"));
    EXPECT_EQ(newSecretToken().size(), 43u);
}

TEST(Secret, NeverPrints) {
    EXPECT_EQ(fmt::format("{}", Secret("hunter2")), "***");
}

TEST(Clock, IsoTime) {
    EXPECT_EQ(isoTime(1'700'000'000'123), "2023-11-14T22:13:20.123Z");
}

TEST(File, AtomicWriteReplacesAndKeepsMode) {
    const std::string directory = testing::TempDir() + newId("file");
    ASSERT_TRUE(makeDirectories(directory + "/a/b"));
    const std::string path = directory + "/a/b/x";
    ASSERT_TRUE(writeFileAtomically(path, "one", 0640));
    ASSERT_TRUE(writeFileAtomically(path, "two", 0640));
    EXPECT_EQ(*readFile(path), "two");
    EXPECT_EQ(readFile(path, 2).error().code, ErrorCode::TooLarge);
    EXPECT_EQ(readFile(path + "nope").error().code, ErrorCode::NotFound);
    ASSERT_TRUE(removeFile(path));
    ASSERT_TRUE(removeFile(path));
    std::filesystem::remove_all(directory);
}

TEST(FileLimit, TheSoftLimitBecomesTheHardOneAndIsRemembered) {
    EXPECT_EQ(fileLimitAtStart(), 0u);
    const pid_t child = ::fork();
    if (child == 0) {
        rlimit limit{64, 256};
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::_exit(2);
        const FileLimit raised = raiseFileLimit("test");
        ::getrlimit(RLIMIT_NOFILE, &limit);
        const bool good = raised.before == 64 && raised.now == 256 && limit.rlim_cur == 256 && fileLimitAtStart() == 64;
        ::_exit(good ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace swb
