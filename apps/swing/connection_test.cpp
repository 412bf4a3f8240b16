// Controllers that are away, silent, strangers, or no controllers.
#include <arpa/inet.h>
#include <sys/socket.h>

#include "swing/program_test_support.h"

namespace swb::swing::test {
namespace {

using testing::HasSubstr;

TEST_F(SwingTest, UnreachableControllerIsNamed) {
    const std::string url = controller.url();
    controller.stop();
    const Outcome outcome = swing({"group", "switch", "shop", "--json"});
    EXPECT_EQ(outcome.exitCode, 1) << "nothing was sent: failed, not unknown";
    EXPECT_THAT(outcome.err, HasSubstr("SWB-UNREACHABLE"));
    EXPECT_THAT(outcome.err, HasSubstr(url));
    EXPECT_EQ(textAt(*memberAt(outcome.document(), "error"), "code"), "SWB-UNREACHABLE");
}

TEST_F(SwingTest, AChangeWithoutAnswerHasAnUnknownOutcome) {
    controller.onSilence("POST /v1/groups/shop/switch");
    Program program({"group", "switch", "shop"}, environment(), Program::Ends::pipes);
    while (controller.seen().empty()) ::usleep(1000);
    controller.stop();
    const Outcome outcome = program.finish();
    EXPECT_EQ(outcome.exitCode, 4) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("SWB-OUTCOME-UNKNOWN"));
    EXPECT_EQ(controller.count("POST", "/v1/groups/shop/switch"), 1u) << "never repeated by itself";
}

TEST_F(SwingTest, AQuestionWithoutAnswerIsOnlyUnreachable) {
    controller.onSilence("GET /v1/groups");
    Program program({"group", "list"}, environment(), Program::Ends::pipes);
    while (controller.seen().empty()) ::usleep(1000);
    controller.stop();
    EXPECT_THAT(program.finish().err, HasSubstr("SWB-UNREACHABLE"));
}

TEST_F(SwingTest, OnlyTheControllersAuthorityIsTrusted) {
    const TestAuthority stranger;
    const std::string wrong = directory.file("wrong.pem", stranger.pem());
    controller.on("GET /v1/sites", JsonObject{{"sites", JsonArray{}}});
    for (const std::vector<std::string>& trust :
         {std::vector<std::string>{"--ca", wrong}, {"--ca-pin", crypto::fingerprint(stranger.pem()).value()}}) {
        std::vector<std::string> arguments = {"site", "list"};
        arguments.insert(arguments.end(), trust.begin(), trust.end());
        const Outcome outcome = swing(arguments);
        EXPECT_EQ(outcome.exitCode, 1);
        EXPECT_THAT(outcome.err, HasSubstr("SWB-CERTIFICATE-REJECTED")) << trust.front();
        EXPECT_THAT(outcome.err, HasSubstr("--ca FILE"));
    }
    auto environment = this->environment();
    environment.erase("SWING_CA");
    EXPECT_THAT(swingWith(environment, {"site", "list"}).err, HasSubstr("SWB-CERTIFICATE-REJECTED")) << "system's own";
    EXPECT_EQ(controller.seen().size(), 0u) << "the token never went to a stranger";

    const std::string pin = crypto::fingerprint(authority().pem()).value();
    EXPECT_EQ(swingWith(environment, {"site", "list", "--ca-pin", pin}).exitCode, 0);
}

TEST_F(SwingTest, TheNameInTheCertificateIsChecked) {
    auto environment = this->environment();
    environment["SWING_URL"] = "https://localhost:" + controller.url().substr(controller.url().rfind(':') + 1);
    EXPECT_THAT(swingWith(environment, {"status"}).err, HasSubstr("SWB-CERTIFICATE-REJECTED"));
}

TEST_F(SwingTest, APortThatSpeaksNoTlsIsNamed) {
    const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    socklen_t length = sizeof address;
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length);
    auto environment = this->environment();
    environment["SWING_URL"] = "https://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    Program program({"status"}, environment, Program::Ends::pipes);
    const Fd peer(::accept(listener.get(), nullptr, nullptr));
    ASSERT_GT(::write(peer.get(), "SSH-2.0-nothing\r\n", 17), 0);
    const Outcome outcome = program.finish();
    EXPECT_EQ(outcome.exitCode, 1);
    EXPECT_THAT(outcome.err, HasSubstr("SWB-PROTOCOL-VIOLATION"));
}

TEST_F(SwingTest, TheControllersAddressIsAskedFor) {
    const Outcome outcome = swingWith({}, {"status"});
    EXPECT_EQ(outcome.exitCode, 2);
    EXPECT_THAT(outcome.err, HasSubstr("SWING_URL"));
    EXPECT_THAT(swingWith({{"SWING_URL", "http://127.0.0.1:1"}}, {"status"}).err, HasSubstr("https://"));
}

TEST_F(SwingTest, NoTokenMeansNoHeader) {
    auto environment = this->environment();
    environment.erase("SWING_TOKEN");
    controller.onError("GET /v1/status", Error(ErrorCode::Unauthenticated, "a token is needed"));
    EXPECT_EQ(swingWith(environment, {"status"}).exitCode, 1);
    EXPECT_EQ(controller.last("GET").token, "");
}

}  // namespace
}  // namespace swb::swing::test
