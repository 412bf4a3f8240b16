#include "link/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace swb::link {
namespace {

// One word per action, so that a test reads as a conversation.
std::string shown(const Actions& actions) {
    std::string text;
    for (const Action& action : actions) {
        if (!text.empty()) text += ' ';
        if (const auto* send = std::get_if<Send>(&action)) text += "send:" + std::string(typeName(*decode(send->text)));
        if (std::get_if<Close>(&action)) text += "close";
        if (std::get_if<Established>(&action)) text += "established";
        if (const auto* deliver = std::get_if<Deliver>(&action))
            text += "deliver:" + std::string(typeName(deliver->message));
        if (const auto* lost = std::get_if<Lost>(&action)) text += "lost:" + std::string(codeName(lost->error.code));
    }
    return text;
}

Hello helloOf(std::string server) {
    Hello hello;
    hello.server = std::move(server);
    hello.verbs = {"server.inspect"};
    return hello;
}

Received said(const Message& message) {
    return Received{encode(message)};
}
Heartbeat beat(int64_t sequence) {
    return Heartbeat{sequence, 1, nullptr};
}

class ControllerEnd : public testing::Test {
  protected:
    std::string resume(const Event& event, MonotonicMs now = 0) { return shown(session.resume(event, now)); }
    void greet() {
        ASSERT_EQ(resume(Opened{}), "");
        ASSERT_EQ(resume(said(helloOf("fra-1"))), "send:welcome established");
    }
    ControllerSession session{
        {.certificateName = "fra-1", .controllerVersion = "0.1.0", .heartbeatMs = 1000, .lostMs = 5000}};
};

TEST_F(ControllerEnd, GreetsThenDeliversThenLoses) {
    greet();
    EXPECT_EQ(session.server(), "fra-1");
    EXPECT_EQ(session.state(), SessionState::established);
    EXPECT_EQ(resume(said(beat(1))), "deliver:heartbeat");
    EXPECT_EQ(resume(said(LedgerReply{"c-1", LedgerState::never, nullptr, {}})), "deliver:ledger-reply");
    EXPECT_EQ(resume(Say{Inquire{"c-1"}}), "send:inquire");
    EXPECT_EQ(resume(Closed{Error(ErrorCode::Unreachable, "cut")}), "lost:SWB-UNREACHABLE");
    EXPECT_EQ(resume(said(beat(2))), "");
    EXPECT_EQ(resume(Closed{Error()}), "") << "lost is said once";
}

TEST_F(ControllerEnd, SilenceLosesTheAgentAndAnyMessageIsALifeSign) {
    greet();
    EXPECT_EQ(resume(Ticked{}, 4999), "");
    EXPECT_EQ(resume(said(Progress{"c-1", 1, 2, "s"}), 4999), "deliver:progress");
    EXPECT_EQ(resume(Ticked{}, 9998), "");
    EXPECT_EQ(resume(Ticked{}, 9999), "close lost:SWB-DEADLINE-EXCEEDED");
}

TEST_F(ControllerEnd, AConnectionThatSaysNothingEnds) {
    resume(Opened{}, 100);
    EXPECT_EQ(resume(Ticked{}, 5099), "");
    EXPECT_EQ(resume(Ticked{}, 5100), "close lost:SWB-DEADLINE-EXCEEDED");
}

TEST_F(ControllerEnd, RefusesAnotherVersionAnotherNameAndNoHello) {
    Hello newer = helloOf("fra-1");
    newer.version = 2;
    resume(Opened{});
    EXPECT_EQ(resume(said(newer)), "send:refused close lost:SWB-UNSUPPORTED");

    ControllerSession other{{.certificateName = "nyc-1"}};
    other.resume(Opened{}, 0);
    EXPECT_EQ(shown(other.resume(said(helloOf("fra-1")), 0)), "send:refused close lost:SWB-CERTIFICATE-REJECTED");

    ControllerSession third{{.certificateName = "fra-1"}};
    third.resume(Opened{}, 0);
    EXPECT_EQ(shown(third.resume(said(beat(1)), 0)), "send:refused close lost:SWB-PROTOCOL-VIOLATION");
}

TEST_F(ControllerEnd, RefusesGarbageTheWrongDirectionAndRepeatedHeartbeats) {
    greet();
    EXPECT_EQ(resume(said(Cancel{"c-1"})), "send:refused close lost:SWB-PROTOCOL-VIOLATION");

    ControllerSession second{{.certificateName = "fra-1"}};
    second.resume(Opened{}, 0);
    second.resume(said(helloOf("fra-1")), 0);
    EXPECT_EQ(shown(second.resume(Received{"\x01\x02"}, 0)), "send:refused close lost:SWB-PROTOCOL-VIOLATION");

    ControllerSession third{{.certificateName = "fra-1"}};
    third.resume(Opened{}, 0);
    third.resume(said(helloOf("fra-1")), 0);
    third.resume(said(beat(1)), 0);
    EXPECT_EQ(shown(third.resume(said(beat(1)), 0)), "send:refused close lost:SWB-PROTOCOL-VIOLATION");
}

TEST_F(ControllerEnd, NothingIsSaidBeforeTheGreeting) {
    resume(Opened{});
    EXPECT_EQ(resume(Say{Inquire{"c-1"}}), "");
}

class AgentEnd : public testing::Test {
  protected:
    std::string resume(const Event& event, MonotonicMs now = 0) { return shown(session.resume(event, now)); }
    AgentSession session{helloOf("fra-1"), 5000};
};

TEST_F(AgentEnd, GreetsReceivesAndBeats) {
    EXPECT_EQ(resume(Opened{}, 0), "send:hello");
    EXPECT_FALSE(session.heartbeatDue(0));
    EXPECT_EQ(resume(said(Welcome{1, "0.1.0", 500}), 10), "established");
    EXPECT_TRUE(session.heartbeatDue(10));
    const auto first = session.resume(Say{Heartbeat{99, 7, nullptr}}, 10);
    EXPECT_EQ(std::get<Heartbeat>(*decode(std::get<Send>(first.at(0)).text)).sequence, 1);
    EXPECT_FALSE(session.heartbeatDue(509));
    EXPECT_TRUE(session.heartbeatDue(510));
    EXPECT_EQ(resume(said(Cancel{"c-1"})), "deliver:cancel");
    EXPECT_EQ(resume(said(Certificate{"p", "a"})), "deliver:certificate");
    EXPECT_EQ(resume(said(Refused{Error(ErrorCode::Forbidden, "no")})), "close lost:SWB-FORBIDDEN");
}

TEST_F(AgentEnd, WaitsForTheWelcomeOnlySoLong) {
    resume(Opened{}, 0);
    EXPECT_EQ(resume(Say{Inquire{"c-1"}}), "");
    EXPECT_EQ(resume(Ticked{}, 4999), "");
    EXPECT_EQ(resume(Ticked{}, 5000), "close lost:SWB-DEADLINE-EXCEEDED");
}

TEST_F(AgentEnd, ACommandBeforeTheWelcomeIsNotExecuted) {
    resume(Opened{}, 0);
    Command command;
    command.id = "c-1";
    command.verb = "database.fence";
    command.args = JsonObject{};
    command.deadlineMs = 5;
    EXPECT_EQ(resume(said(command)), "close lost:SWB-PROTOCOL-VIOLATION");
    EXPECT_EQ(resume(said(Welcome{})), "");
}

TEST_F(AgentEnd, RefusesAnotherVersion) {
    resume(Opened{}, 0);
    EXPECT_EQ(resume(said(Welcome{2, "9", 1000})), "close lost:SWB-UNSUPPORTED");
}

// Both ends against each other: what one sends the other takes, in both directions.
TEST(LinkSessions, TheTwoEndsUnderstandEachOther) {
    AgentSession agent(helloOf("fra-1"));
    ControllerSession controller{{.certificateName = "fra-1"}};
    controller.resume(Opened{}, 0);
    const auto hello = agent.resume(Opened{}, 0);
    const auto welcome = controller.resume(Received{std::get<Send>(hello.at(0)).text}, 0);
    EXPECT_EQ(shown(agent.resume(Received{std::get<Send>(welcome.at(0)).text}, 0)), "established");
    for (int round = 0; round < 3; ++round) {
        const auto heartbeat = agent.resume(Say{Heartbeat{}}, round);
        EXPECT_EQ(shown(controller.resume(Received{std::get<Send>(heartbeat.at(0)).text}, round)), "deliver:heartbeat");
    }
}

}  // namespace
}  // namespace swb::link
