// A replica made of its source's files, by mariadb-backup through the two agents; and what happens when that fails.
#include "conformance/mariadb_traps.h"
#include "driver/mariadb/instance.h"
#include "driver/support/broken_pipe.h"
#include "driver/support/copy_channel.h"

namespace swb::test {

using driver::CopyReader;
using driver::TlsStream;

class MariadbCopy : public MariadbTraps {
  protected:
    void SetUp() override {
        world = std::make_unique<MariadbWorld>();
        for (DatabaseSide* side : {&world->a(), &world->b()})
            side->spec.copy = HostPort{side->spec.address.host, freePort(side->spec.address.host)};
        world->sql(world->a(), "CREATE USER boss@'%' IDENTIFIED BY 'boss-password'");
        world->sql(world->a(), "GRANT ALL PRIVILEGES ON *.* TO boss@'%' WITH GRANT OPTION");
        world->sql(world->a(), "CREATE TABLE shop.old (id INT PRIMARY KEY, note TEXT) ENGINE = MyISAM");
        world->sql(world->a(), "INSERT INTO shop.old VALUES (1, 'kept')");
        linkSides();
    }

    // What the seed said of its progress.
    struct Seeding {
        std::mutex mutex;
        std::vector<std::string> sentences;
        int64_t bytes = 0;
        bool said(const std::string& part) {
            const std::lock_guard lock(mutex);
            return std::any_of(sentences.begin(), sentences.end(),
                               [&](const auto& sentence) { return sentence.find(part) != std::string::npos; });
        }
    };
    Result<Json> seed(Seeding& seeding, const std::function<void()>& atFirstBytes = {}) {
        driver::Context context = standby->context(60'000);
        context.progress = [&](int64_t done, int64_t, std::string_view sentence) {
            bool first = false;
            {
                const std::lock_guard lock(seeding.mutex);
                if (seeding.sentences.empty() || seeding.sentences.back() != sentence)
                    seeding.sentences.emplace_back(sentence);
                first = seeding.bytes == 0 && done > 0;
                seeding.bytes = std::max(seeding.bytes, done);
            }
            if (first && atFirstBytes) atFirstBytes();
        };
        return standby->driver->seed(standby->spec, standby->application, current->peer(), standby->slot, context);
    }
    void expectFollows() {
        SWB_REQUIRE(prepareReplica());
        const std::string tag = newId("t");
        ASSERT_TRUE(world->insert(*current, tag));
        for (int i = 0; i < 400 && world->tags(*standby).count(tag) == 0; ++i) ::usleep(5000);
        EXPECT_EQ(world->tags(*standby), world->tags(*current));
        EXPECT_EQ(replicaSql("SELECT note FROM shop.old"), "kept");
        for (const char* leftover : {".swingbridge-old", ".swingbridge-new", ".swingbridge-dump", ".swingbridge-out"}) {
            EXPECT_FALSE(driver::directoryExists(standby->spec.service.data + leftover)) << leftover;
            EXPECT_FALSE(driver::directoryExists(current->spec.service.data + leftover)) << leftover;
        }
    }
    driver::TlsDirectory tlsOf(DatabaseSide& side) const {
        return require(driver::mariadb::Instance::open(side.spec, side.context(),
                                                       std::make_shared<driver::mariadb::Sessions>()))
            .tls();
    }
};

TEST_F(MariadbCopy, FilesUnderWritesThenASwitchThereAndBack) {
    Churn churn(2, [&](const std::string& tag) { return world->insert(*current, tag); });
    while (churn.count() < 50) ::usleep(1000);
    Seeding seeding;
    const auto seeded = seed(seeding);
    SWB_REQUIRE(seeded);
    EXPECT_EQ(textAt(*seeded, "method"), "files") << toText(*seeded);
    EXPECT_GT(seeding.bytes, 1 << 20);
    EXPECT_TRUE(seeding.said("copying the primary's files"));
    EXPECT_TRUE(seeding.said("preparing the copy"));
    const auto acknowledged = churn.end();
    expectFollows();
    EXPECT_TRUE(contains(world->tags(*standby), acknowledged));
    EXPECT_EQ(replicaSql("SELECT @@GLOBAL.read_only"), "1");
    for (int round = 0; round < 2; ++round) {
        switchOver(round);
        if (HasFatalFailure()) return;
        const driver::Peer peer = current->peer();
        const Json seen = facts(*standby, &peer);
        EXPECT_TRUE(memberAt(seen, "errantGtids")->as_array().empty()) << toText(seen);
    }
    expectFollows();
}

TEST_F(MariadbCopy, NobodyElseGetsACopy) {
    const driver::IgnoreBrokenPipe guard;
    const driver::TlsDirectory own = tlsOf(*standby);
    const HostPort at = *current->spec.copy;
    const std::string name = current->spec.address.host;
    SWB_REQUIRE(CopyReader::open(at, name, "main", own, standby->context()));
    const auto other = CopyReader::open(at, name, "another", own, standby->context());
    ASSERT_FALSE(other);
    EXPECT_NE(other.error().message.find("another"), std::string::npos) << describe(other.error());
    // The server's name is checked, whatever address it is dialled at.
    const auto elsewhere = CopyReader::open(at, "db.elsewhere.test", "main", own, standby->context());
    ASSERT_FALSE(elsewhere);
    EXPECT_NE(elsewhere.error().message.find("certificate verify failed"), std::string::npos);

    const auto asked = [&](SSL_CTX* context) -> Result<std::string> {
        TlsStream stream = TRY(TlsStream::connect(at.host, at.port, context, name, standby->context(5000)));
        const std::string request = R"({"database":"main"})";
        TRY_VOID(stream.writeAll(driver::frameHead(driver::FrameType::request, request.size()) + request,
                                 standby->context(5000)));
        char head[driver::frameHeadBytes];
        TRY_VOID(stream.readAll(head, sizeof head, standby->context(5000)));
        return std::string(1, head[0]);
    };
    const std::string authority = *readFile(own.file("authority.pem"));
    // No certificate; the server's own, which is no replication user's; one of a stranger's authority.
    const auto nobody = crypto::clientContext(authority);
    SWB_REQUIRE(nobody);
    EXPECT_EQ(asked(nobody->get()).value_or("E"), "E");
    const auto stranger = crypto::createAuthority("stranger", 1);
    SWB_REQUIRE(stranger);
    const auto strangers = crypto::CertificateAuthority::load(stranger->certificatePem, stranger->keyPem);
    SWB_REQUIRE(strangers);
    crypto::SignRequest wanted;
    wanted.commonName = "swingbridge_repl";
    const auto forged = strangers->issue(wanted);
    SWB_REQUIRE(forged);
    const crypto::TlsIdentity identity{forged->certificatePem, forged->keyPem};
    const auto forger = crypto::clientContext(authority, &identity);
    SWB_REQUIRE(forger);
    EXPECT_FALSE(asked(forger->get()));
    const crypto::TlsIdentity server{*readFile(own.file("server.pem")), Secret(*readFile(own.file("server.key")))};
    const auto wrongName = crypto::clientContext(authority, &server);
    SWB_REQUIRE(wrongName);
    EXPECT_EQ(asked(wrongName->get()).value_or("E"), "E");
    // None of them kept it from serving.
    Seeding seeding;
    const auto seeded = seed(seeding);
    SWB_REQUIRE(seeded);
    EXPECT_EQ(textAt(*seeded, "method"), "files");
}

// A firewall between the sites, or an agent that is down: the database's own port is enough for a dump.
TEST_F(MariadbCopy, WhereNobodyListensItIsADump) {
    current->spec.copy = HostPort{current->spec.address.host, freePort(current->spec.address.host)};
    Seeding seeding;
    const auto seeded = seed(seeding);
    SWB_REQUIRE(seeded);
    EXPECT_EQ(textAt(*seeded, "method"), "dump");
    EXPECT_TRUE(seeding.said("dumping instead"));
    expectFollows();
}

// The source's agent dies in the middle: half a copy is never taken for a whole one.
TEST_F(MariadbCopy, ACopyThatIsCutOffIsNoCopy) {
    Seeding seeding;
    const auto seeded = seed(seeding, [&] { current->restartAgent(); });
    SWB_REQUIRE(seeded);
    EXPECT_EQ(textAt(*seeded, "method"), "dump");
    EXPECT_TRUE(seeding.said("dumping instead"));
    expectFollows();
    // The agent's next look at its databases opens the desk again.
    SWB_REQUIRE(ensureRunning("primary"));
    Seeding again;
    const auto repeated = seed(again);
    SWB_REQUIRE(repeated);
    EXPECT_EQ(textAt(*repeated, "method"), "files");
}

// Killed anywhere, the next call goes on, and no program of the former one works on.
TEST_F(MariadbCopy, AKilledCopyIsMadeAgain) {
    for (int round = 0; round < 4; ++round) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            standby->restartAgent();
            (void)standby->driver->seed(standby->spec, standby->application, current->peer(), standby->slot,
                                        standby->context(60'000));
            ::_exit(0);
        }
        ::usleep(100'000 + randomBelow(1'000'000));
        ::kill(pid, SIGKILL);
        int status = 0;
        ::waitpid(pid, &status, 0);
        standby->restartAgent();
    }
    Seeding seeding;
    SWB_REQUIRE(seed(seeding));
    expectFollows();
}

// The last replica goes, and with it the desk.
TEST_F(MariadbCopy, ItIsOfferedOnlyWhileThereAreReplicas) {
    SWB_REQUIRE(current->driver->releaseSource(current->spec, {standby->slot}, current->context()));
    const auto asked =
        CopyReader::open(*current->spec.copy, current->spec.address.host, "main", tlsOf(*standby), standby->context());
    ASSERT_FALSE(asked);
    EXPECT_EQ(asked.error().code, ErrorCode::Unreachable) << describe(asked.error());
}

}  // namespace swb::test
