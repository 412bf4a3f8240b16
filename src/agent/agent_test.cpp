// The whole agent against a controller's session, joined by two queues instead of a network.
#include "agent/agent.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>

#include "agent/enrolment.h"
#include "agent/scripted_drivers_test.h"
#include "agent/status.h"
#include "crypto/certificate.h"

namespace swb::agent {
namespace {

// What the agent sends arrives here; any thread.
class Wire final : public Transport {
  public:
    bool send(std::string text) override {
        const std::lock_guard guard(mutex_);
        texts_.push_back(std::move(text));
        wake_.notify_all();
        return true;
    }
    void close(std::string reason) override {
        const std::lock_guard guard(mutex_);
        closeReason = reason;
        wake_.notify_all();
    }
    // The next message that is not a heartbeat, or the next heartbeat.
    template <typename T>
    std::optional<T> next() {
        std::unique_lock lock(mutex_);
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        for (;;) {
            while (!texts_.empty()) {
                const auto message = link::decode(texts_.front());
                EXPECT_TRUE(message) << describe(message.error());
                texts_.pop_front();
                if (message && std::holds_alternative<T>(*message)) return std::get<T>(*message);
            }
            if (wake_.wait_until(lock, deadline) == std::cv_status::timeout) return std::nullopt;
        }
    }
    std::string closeReason;

  private:
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::string> texts_;
};

class AgentTest : public AgentFixture {
  protected:
    void SetUp() override {
        const auto authority = *crypto::createAuthority("test", 30);
        authorityPem = authority.certificatePem;
        authorityKey = authority.keyPem;
        store(24 * 30);
        begin();
    }
    void store(int64_t hours) {
        const auto ca = *crypto::CertificateAuthority::load(authorityPem, authorityKey);
        const auto own = *ca.issue({"fra-1", {}, {}, crypto::CertificateUsage::client, hours});
        const auto stored =
            storeIdentity(directory, {"fra-1", "https://127.0.0.1:9"}, {own.certificatePem, own.keyPem, authorityPem});
        ASSERT_TRUE(stored) << describe(stored.error());
    }
    void begin() {
        agent.reset();
        Agent::Settings settings;
        settings.directory = directory;
        settings.configuration = *loadConfiguration(directory);
        settings.version = "0.1.0";
        settings.identityChanged = [this] { ++identityChanges; };
        settings.supervise = false;
        agent = std::move(*Agent::start(std::move(settings), drivers));
    }
    void connect() {
        wire = std::make_shared<Wire>();
        agent->opened(wire);
        tell(link::Welcome{1, "0.1.0", 20});
    }
    void tell(const link::Message& message) { agent->received(link::encode(message)); }

    std::string authorityPem;
    Secret authorityKey;
    std::shared_ptr<Wire> wire;
    std::atomic<int> identityChanges{0};
    std::unique_ptr<Agent> agent;
};

TEST_F(AgentTest, GreetsBeatsAndExecutes) {
    connect();
    const auto hello = wire->next<link::Hello>();
    ASSERT_TRUE(hello);
    EXPECT_EQ(hello->server, "fra-1");
    EXPECT_EQ(hello->verbs.size(), verbTable().size());
    EXPECT_TRUE(agent->connected());
    EXPECT_EQ(wire->next<link::Heartbeat>()->sequence, 1);
    EXPECT_EQ(wire->next<link::Heartbeat>()->sequence, 2);
    tell(link::Command{"c-1", "", "", "", 0, "server.inspect", JsonObject{}, 1000});
    const auto outcome = wire->next<link::Outcome>();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(textAt(outcome->result, "agentVersion"), "0.1.0");
    tell(link::Inquire{"c-1"});
    EXPECT_EQ(wire->next<link::LedgerReply>()->state, link::LedgerState::done);
}

TEST_F(AgentTest, AnOutcomeThatNobodyHeardIsInTheLedger) {
    connect();
    tell(command("application.configure", definition()));
    ASSERT_EQ(wire->next<link::Outcome>()->status, link::OutcomeStatus::done);
    std::atomic<bool> release{false};
    server("main").onFence = [&](const driver::Context&) {
        while (!release) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
    const auto fence = command("database.fence", fenceArguments());
    tell(fence);
    tell(link::Inquire{fence.id});
    EXPECT_EQ(wire->next<link::LedgerReply>()->state, link::LedgerState::running);
    agent->closed(Error(ErrorCode::Unreachable, "cut"));
    EXPECT_FALSE(agent->connected());
    release = true;
    connect();
    for (const MonotonicMs patience = SystemClock().monotonic() + 10'000; SystemClock().monotonic() < patience;
         std::this_thread::sleep_for(std::chrono::milliseconds(5))) {
        tell(link::Inquire{fence.id});
        const auto reply = wire->next<link::LedgerReply>();
        ASSERT_TRUE(reply);
        if (reply->state == link::LedgerState::running) continue;
        EXPECT_EQ(reply->state, link::LedgerState::done);
        EXPECT_EQ(memberAt(reply->result, "tokens")->as_array().size(), 2u);
        begin();
        connect();
        EXPECT_EQ(wire->next<link::Hello>()->epochs.at("shop"), 7);
        tell(link::Inquire{fence.id});
        EXPECT_EQ(wire->next<link::LedgerReply>()->state, link::LedgerState::done) << "after a restart as well";
        return;
    }
    FAIL() << "the fence did not end";
}

TEST_F(AgentTest, GarbageEndsTheConnectionNotTheAgent) {
    connect();
    agent->received("}{");
    EXPECT_NE(wire->closeReason.find("SWB-PROTOCOL-VIOLATION"), std::string::npos);
    EXPECT_FALSE(agent->connected());
    agent->closed(Error(ErrorCode::Unreachable, "closed"));
    connect();
    EXPECT_TRUE(agent->connected());
}

TEST_F(AgentTest, RenewsItsCertificateBeforeItEnds) {
    agent.reset();
    const auto ca = *crypto::CertificateAuthority::load(authorityPem, authorityKey);
    const std::string before = loadIdentity(directory)->certificatePem;
    const auto info = *crypto::certificateInfo(before);
    Renewal renewal(directory, *loadConfiguration(directory));
    const UnixMs life = info.notAfter - info.notBefore;
    EXPECT_EQ(*renewal.requestIfDue(info.notBefore + life / 2), "");
    const std::string request = *renewal.requestIfDue(info.notAfter - life / 4);
    ASSERT_NE(request, "");
    EXPECT_EQ(*renewal.requestIfDue(info.notAfter - life / 4 + 120'000), "") << "not asked again at once";
    const auto wrong = ca.sign(request, {"nyc-1", {}, {}, crypto::CertificateUsage::client, 24});
    EXPECT_EQ(codeOf(renewal.install(*wrong, authorityPem)), "SWB-CERTIFICATE-REJECTED");
    EXPECT_EQ(loadIdentity(directory)->certificatePem, before);
    const auto renewed = ca.sign(request, {"fra-1", {}, {}, crypto::CertificateUsage::client, 24});
    const auto installed = renewal.install(*renewed, authorityPem);
    ASSERT_TRUE(installed) << describe(installed.error());
    EXPECT_NE(loadIdentity(directory)->certificatePem, before);
    EXPECT_FALSE(fileExists(directory.renewalKey()));
}

TEST_F(AgentTest, StatusReadsTheDirectory) {
    configure();
    ASSERT_TRUE(guards.write(keyOf("main"), {"shop", 7, "replica", true, 1}));
    connect();
    const Fd lock = *directory.acquireLock();
    EXPECT_EQ(directory.acquireLock().error().code, ErrorCode::InUse);
    const auto status = agentStatus(directory);
    ASSERT_TRUE(status) << describe(status.error());
    EXPECT_TRUE(booleanAt(*status, "running"));
    EXPECT_TRUE(booleanAt(*status, "connected"));
    const std::string text = statusText(*status);
    EXPECT_NE(text.find("main replica (fenced) since epoch 7 of shop"), std::string::npos) << text;
    EXPECT_EQ(toText(*status).find("hunter2"), std::string::npos);
}

TEST_F(AgentTest, JoiningTwiceOrWithBadWordsIsRefused) {
    JoinRequest request{"https://127.0.0.1:9", Secret("t"), std::string(64, 'a'), "fra-1", false, 1000};
    EXPECT_EQ(codeOf(join(directory, request)), "SWB-ALREADY-EXISTS");
    request.force = true;
    EXPECT_EQ(codeOf(join(directory, request)), "SWB-UNREACHABLE");
    request.pin = "abc";
    EXPECT_EQ(codeOf(join(directory, request)), "SWB-INVALID-INPUT");
    request.pin = std::string(64, 'a');
    request.controller = "http://127.0.0.1:9";
    EXPECT_EQ(codeOf(join(directory, request)), "SWB-INVALID-INPUT");
    EXPECT_EQ(codeOf(controllerAddress("https://host:1/path")), "SWB-INVALID-INPUT");
    EXPECT_EQ(controllerAddress("https://[::1]:8443/")->port, 8443);
    EXPECT_EQ(codeOf(loadConfiguration(AgentDirectory{directory.root + "/none"})), "SWB-NOT-FOUND");
}

TEST(JoinToken, ComesFromAFileWithoutItsLineEnd) {
    const std::string file = std::filesystem::temp_directory_path() / newId("swb-token");
    ASSERT_TRUE(writeFileAtomically(file, "abc\n"));
    EXPECT_EQ(readToken("@" + file)->reveal(), "abc");
    EXPECT_EQ(readToken("abc")->reveal(), "abc");
    EXPECT_FALSE(readToken(""));
    std::filesystem::remove(file);
    EXPECT_FALSE(readToken("@" + file));
}

}  // namespace
}  // namespace swb::agent
