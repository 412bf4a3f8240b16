#include "swing/settings.h"

#include "swing/program_test_support.h"

namespace swb::swing::test {
namespace {

class SettingsTest : public testing::Test {
  protected:
    Result<ConnectionSettings> resolve(const ConnectionFlags& flags) {
        const Surroundings surroundings{
            [this](const char* name) { return variables.contains(name) ? variables.at(name) : std::string(); },
            [this] { return Result<std::string>(input); }};
        return resolveSettings(flags, surroundings);
    }
    void configure(const std::string& text) { directory.file(".config/swingbridge/swing.yaml", text); }

    TemporaryDirectory directory;
    std::map<std::string, std::string> variables{{"HOME", directory.path()}};
    std::string input;
    std::string pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
};

TEST_F(SettingsTest, FlagBeforeEnvironmentBeforeFile) {
    directory.file(".config/swingbridge/file.token", "from-file\n");
    configure("url: https://file:1\ntoken_file: file.token\n");
    auto settings = resolve({});
    ASSERT_TRUE(settings) << describe(settings.error());
    EXPECT_EQ(settings->url, "https://file:1");
    EXPECT_EQ(settings->token.reveal(), "from-file");

    variables["SWING_URL"] = "https://environment:1/";
    variables["SWING_TOKEN_FILE"] = directory.file("other.token", "from-token-file");
    settings = resolve({});
    EXPECT_EQ(settings->url, "https://environment:1");
    EXPECT_EQ(settings->token.reveal(), "from-token-file");

    variables["SWING_TOKEN"] = "from-environment";
    EXPECT_EQ(resolve({})->token.reveal(), "from-environment");

    settings = resolve({.url = "https://flag:1", .token = "from-flag"});
    EXPECT_EQ(settings->url, "https://flag:1");
    EXPECT_EQ(settings->token.reveal(), "from-flag");
}

TEST_F(SettingsTest, TokenFromAFileOrStdin) {
    const std::string path = directory.file("t", "  abc\n\n");
    EXPECT_EQ(resolve({.url = "https://x", .token = "@" + path})->token.reveal(), "abc");
    input = "from-stdin\n";
    EXPECT_EQ(resolve({.url = "https://x", .token = "-"})->token.reveal(), "from-stdin");
}

TEST_F(SettingsTest, TokensThatAreNoneAreRefused) {
    for (const std::string text : {"two words", "new\nline", "", "tab\tbed", "umläut"}) {
        input = text;
        const auto settings = resolve({.url = "https://x", .token = "-"});
        ASSERT_FALSE(settings) << text;
        EXPECT_EQ(settings.error().code, ErrorCode::InvalidInput);
        EXPECT_EQ(settings.error().message.find("umläut"), std::string::npos) << "no token in a message";
    }
    EXPECT_EQ(resolve({.url = "https://x", .token = "@/nowhere/at/all"}).error().code, ErrorCode::NotFound);
}

TEST_F(SettingsTest, UrlsMustBeHttpsAndBare) {
    for (const char* url :
         {"", "http://x:1", "x:1", "https://", "https://x/v1", "https://u:p@x", "https://x?y", "https://x y"}) {
        const auto settings = resolve({.url = url});
        ASSERT_FALSE(settings) << url;
        EXPECT_EQ(settings.error().code, ErrorCode::InvalidInput) << url;
        EXPECT_FALSE(settings.error().hint.empty());
    }
    EXPECT_TRUE(resolve({.url = "https://[::1]:8443/"}));
}

TEST_F(SettingsTest, TrustIsOneSetting) {
    const std::string ca = directory.file("ca.pem", pem), pin(64, 'A');
    configure("url: https://x\nca: " + ca + "\n");
    EXPECT_EQ(resolve({})->caPem, pem);
    const auto pinned = resolve({.caPin = pin});
    EXPECT_EQ(pinned->caPin, std::string(64, 'a'));
    EXPECT_EQ(pinned->caPem, "") << "a flag's pin replaces the file's authority";
    EXPECT_EQ(resolve({.caPin = "abc"}).error().code, ErrorCode::InvalidInput);
    EXPECT_EQ(resolve({.ca = directory.file("not.pem", "hello")}).error().code, ErrorCode::InvalidInput);
    EXPECT_EQ(resolve({.ca = "/nowhere/ca.pem"}).error().code, ErrorCode::NotFound);
}

TEST_F(SettingsTest, MistakesInTheFileAreNamedWithTheirPlace) {
    configure("url: https://x\ntokenfile: y\n");
    const auto settings = resolve({});
    ASSERT_FALSE(settings);
    EXPECT_THAT(settings.error().message, testing::HasSubstr("swing.yaml: "));
    EXPECT_THAT(settings.error().message, testing::HasSubstr("tokenfile (line 2"));
    configure("url: [");
    EXPECT_FALSE(resolve({}));
    configure("");
    EXPECT_TRUE(resolve({.url = "https://x"}));
}

TEST_F(SettingsTest, XdgConfigHomeIsHeeded) {
    directory.file("elsewhere/swingbridge/swing.yaml", "url: https://elsewhere\n");
    variables["XDG_CONFIG_HOME"] = directory.path() + "/elsewhere";
    EXPECT_EQ(resolve({})->url, "https://elsewhere");
}

}  // namespace
}  // namespace swb::swing::test
