// The pure formats: replies, INFO, redis.conf and ACL files, the role file, positions, releases.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "driver/redis/config_text.h"
#include "driver/redis/dialect.h"
#include "driver/redis/facts.h"
#include "driver/redis/info.h"
#include "driver/redis/resp.h"
#include "driver/redis/role_file.h"
#include "driver/redis/server_state.h"
#include "driver/redis/source.h"
#include "driver/redis/token.h"

namespace swb::driver::redis {

namespace {

using ::testing::ElementsAre;

constexpr const char* someId = "06413152ae27ee4c4975e5848bfc9b2b6065278d";
constexpr const char* otherId = "9b14a1de5a23b19b15a326f4c37dc3bb991a9ddb";

Reply parsed(std::string_view bytes) {
    auto reply = parseReply(bytes);
    EXPECT_TRUE(reply && *reply) << bytes;
    if (!reply || !*reply) return {};
    EXPECT_EQ((*reply)->bytes, bytes.size());
    return (*reply)->reply;
}

}  // namespace

TEST(RedisProtocol, EveryKindOfReplyIsRead) {
    EXPECT_EQ(parsed("+OK\r\n").text, "OK");
    EXPECT_EQ(parsed(":-42\r\n").integer, -42);
    EXPECT_EQ(parsed("$5\r\na\r\nbc\r\n").text, "a\r\nbc");
    EXPECT_EQ(parsed("$-1\r\n").kind, Reply::Kind::nothing);
    EXPECT_EQ(parsed("-NOAUTH Authentication required.\r\n").errorName(), "NOAUTH");
    const Reply list = parsed("*4\r\n$4\r\nport\r\n$4\r\n6379\r\n$5\r\nproto\r\n:2\r\n");
    EXPECT_EQ(list.valueOf("port"), "6379");
    EXPECT_EQ(list.valueOf("proto"), "2");
    EXPECT_EQ(list.valueOf("absent"), std::nullopt);
    EXPECT_EQ(encodeCommand({"SET", "k", ""}), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
}

TEST(RedisProtocol, PartsOfAReplyAskForMoreAndNonsenseIsRefused) {
    const std::string whole = "*2\r\n$3\r\nabc\r\n*1\r\n:1\r\n";
    for (size_t size = 0; size < whole.size(); ++size) {
        const auto part = parseReply(std::string_view(whole).substr(0, size));
        ASSERT_TRUE(part) << size;
        EXPECT_FALSE(*part) << size;
    }
    for (const char* nonsense : {"HTTP/1.1 200 OK\r\n", "$3\r\nabcd\r\n", ":one\r\n", "*-2\r\n", "\r\n"})
        EXPECT_FALSE(parseReply(nonsense)) << nonsense;
    EXPECT_EQ(parseReply("$99999999999\r\n").error().code, ErrorCode::TooLarge);
    std::string deep;
    for (int i = 0; i < 20; ++i) deep += "*1\r\n";
    EXPECT_EQ(parseReply(deep + ":1\r\n").error().code, ErrorCode::TooLarge);
}

TEST(RedisInfo, ReplicationOfBothRoles) {
    const Info info = Info::parse(
        std::string(
            "# Replication\r\nrole:master\r\nconnected_slaves:1\r\n"
            "slave0:ip=10.0.0.5,port=7001,state=online,offset=120,lag=1\r\nmaster_failover_state:no-failover\r\n"
            "master_replid:") +
        someId + "\r\nmaster_replid2:" + otherId +
        "\r\nmaster_repl_offset:140\r\nsecond_repl_offset:101\r\n# Keyspace\r\ndb0:keys=7,expires=0\r\ndb3:keys=2\r\n");
    const ServerState state = ServerState::of(info);
    EXPECT_TRUE(state.primary);
    EXPECT_EQ(state.position, (Position{someId, 140}));
    EXPECT_EQ(state.former, (Position{otherId, 100}));
    EXPECT_EQ(info.keys(), 9);
    ASSERT_EQ(info.replicas().size(), 1U);
    EXPECT_EQ(info.replicas()[0].host, "10.0.0.5");
    EXPECT_EQ(info.replicas()[0].port, 7001);
    EXPECT_EQ(info.replicas()[0].offset, 120);
    const ServerState replica = ServerState::of(
        Info::parse(std::string("role:slave\nmaster_host:10.0.0.6\nmaster_port:7001\nmaster_link_status:up\n"
                                "master_sync_in_progress:0\nslave_read_repl_offset:139\nslave_repl_offset:130\n"
                                "master_repl_offset:140\nmaster_replid:") +
                    someId + "\nsecond_repl_offset:-1\n"));
    EXPECT_FALSE(replica.primary);
    EXPECT_TRUE(replica.linkUp);
    EXPECT_EQ(replica.position.offset, 130) << "received is not applied";
    EXPECT_EQ(replica.receivedOffset, 139);
    EXPECT_EQ(replica.former.offset, -1);
    EXPECT_EQ(replica.follows, (HostPort{"10.0.0.6", 7001}));
}

TEST(RedisPosition, IsReadBackAndNothingElseIs) {
    const Position position{someId, 4711};
    EXPECT_EQ(parsePosition(position.text()), position);
    for (const std::string& wrong : {std::string("x:1"), someId + std::string(":"), someId + std::string(":-1"),
                                     someId + std::string(":1x"), std::string(someId)})
        EXPECT_FALSE(parsePosition(wrong)) << wrong;
    DatabaseSpec spec;
    spec.name = "cache";
    spec.engine = Engine::redis;
    const Token token = makeToken(spec, position, 3, 1000);
    EXPECT_EQ(parseToken(token).value(), position);
    Token foreign = token;
    foreign.proof.as_object()["engine"] = "postgresql";
    EXPECT_FALSE(parseToken(foreign));
}

TEST(RedisConfig, WordsAreQuotedAsTheServerDoes) {
    EXPECT_THAT(*wordsOf("  requirepass \"a b\\x41\\n\\\"\"  'it\\'s' "),
                ElementsAre("requirepass", "a bA\n\"", "it's"));
    EXPECT_FALSE(wordsOf("requirepass \"open"));
    EXPECT_FALSE(wordsOf("requirepass \"a\"b"));
    EXPECT_TRUE(wordsOf("# comment")->empty());
    for (const std::string& word :
         {std::string("plain"), std::string(""), std::string("a b\"\\\n\xff"), std::string("#x"), std::string("it's")})
        EXPECT_THAT(*wordsOf("x " + quotedWord(word)), ElementsAre("x", word));
    EXPECT_THAT(*lastSetting("save 1 1\nSAVE 3600 1 60 10\n#save 9 9\n", "save"), ElementsAre("3600", "1", "60", "10"));
}

TEST(RedisConfig, OurIncludeIsTheLastWord) {
    const std::string path = "/var/lib/swing-agent/role.conf";
    const std::string once = withIncludeLast("port 6379\n# end\n", path);
    EXPECT_EQ(once, "port 6379\n# end\ninclude " + path + "\n");
    EXPECT_EQ(withIncludeLast(once, path), once);
    // What CONFIG REWRITE does: its own lines behind ours, also a replicaof that must not win.
    const std::string rewritten = once + "# Generated by CONFIG REWRITE\nreplicaof 10.0.0.5 7001\n";
    EXPECT_FALSE(endsWithInclude(rewritten, path));
    EXPECT_EQ(withIncludeLast(rewritten, path),
              "port 6379\n# end\n# Generated by CONFIG REWRITE\nreplicaof 10.0.0.5 7001\ninclude " + path + "\n");
}

TEST(RedisConfig, AUserStandsOnceAndBeforeTheInclude) {
    const std::string text = "port 6379\nuser other on nopass\ninclude /role.conf\n";
    const std::string with = withUser(text, "swingbridge", "on #aa ~* &* +@all");
    EXPECT_EQ(with, "port 6379\nuser other on nopass\nuser swingbridge on #aa ~* &* +@all\ninclude /role.conf\n");
    EXPECT_EQ(withUser(with, "swingbridge", "on #aa ~* &* +@all"), with);
    EXPECT_THAT(*userRules(with, "swingbridge"), ElementsAre("on", "#aa", "~*", "&*", "+@all"));
    // The server refuses to start when a user stands twice.
    const std::string twice = with + "user swingbridge on #bb +@all\n";
    EXPECT_EQ(withUser(twice, "swingbridge", "on #cc"),
              "port 6379\nuser other on nopass\nuser swingbridge on #cc\ninclude /role.conf\n");
    EXPECT_EQ(withUser(with, "swingbridge", std::nullopt), text);
}

TEST(RedisRoleFile, SaysWhatTheServerStartsAs) {
    RoleFile file;
    EXPECT_EQ(file.start(), RoleFile::Start::unsaid);
    file.set("masterauth", "a \"secret\"");
    file.set("tls-port", "7001");
    file.startFollowing({"10.0.0.5", 7001});
    RoleFile read = RoleFile::parse(file.text());
    EXPECT_EQ(read.text(), file.text());
    EXPECT_EQ(read.start(), RoleFile::Start::following);
    EXPECT_EQ(read.primary(), (HostPort{"10.0.0.5", 7001}));
    EXPECT_EQ(read.get("masterauth"), "a \"secret\"");
    read.startHeld();
    EXPECT_THAT(read.text(), ::testing::EndsWith("replicaof 127.0.0.1 1\n"));
    EXPECT_EQ(RoleFile::parse(read.text()).start(), RoleFile::Start::held);
    read.startAlone();
    EXPECT_THAT(read.text(), ::testing::EndsWith("replicaof no one\n"));
    EXPECT_EQ(RoleFile::parse(read.text()).start(), RoleFile::Start::alone);
    read.remove("tls-port");
    EXPECT_EQ(read.get("tls-port"), std::nullopt);
}

TEST(RedisDialect, ReleasesAndTheirSnapshots) {
    EXPECT_EQ(releaseOf("redis", "6.2.14").snapshotVersion(), 9);
    EXPECT_EQ(releaseOf("redis", "7.0.15").snapshotVersion(), 10);
    EXPECT_EQ(releaseOf("redis", "7.2.5").snapshotVersion(), 11);
    EXPECT_EQ(releaseOf("redis", "7.4.0").snapshotVersion(), 12);
    EXPECT_EQ(releaseOf("valkey", "8.0.1").snapshotVersion(), 11);
    EXPECT_EQ(releaseOf("valkey", "9.0.0").snapshotVersion(), 80);
    EXPECT_FALSE(releaseOf("redis", "6.0.16").supported());
    EXPECT_FALSE(releaseOf("redis", "").supported());
    EXPECT_FALSE(releaseOf("redis", "6.2.14").setsTogether());
    // Valkey names the Redis it is compatible with as well.
    const Release valkey =
        releaseOf(Info::parse("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\n"));
    EXPECT_TRUE(valkey.valkey);
    EXPECT_EQ(valkey.version, "8.0.1");
    EXPECT_TRUE(valkey.supported());
}

TEST(RedisBacklog, HoldsTenMinutesWithinBounds) {
    EXPECT_EQ(wantedBacklogBytes(0), 64 << 20);
    EXPECT_EQ(wantedBacklogBytes(1 << 20), 600LL << 20);
    EXPECT_EQ(wantedBacklogBytes(1LL << 40), 1 << 30);
}

// A size that changes between a promotion and the rejoin costs a full copy there.
TEST(RedisBacklog, GrowsOnceWhereAnotherSizeEmptiesIt) {
    const Release old = releaseOf("redis", "6.2.14"), recent = releaseOf("redis", "7.0.15");
    constexpr int64_t least = 64 << 20, busy = 1 << 20;
    EXPECT_EQ(backlogBytes(old, 1 << 20, busy), 600LL << 20);
    EXPECT_EQ(backlogBytes(old, least, busy), least);
    EXPECT_EQ(backlogBytes(recent, least, busy), 600LL << 20);
    EXPECT_EQ(backlogBytes(recent, 800LL << 20, busy), 800LL << 20);
    EXPECT_EQ(backlogBytes(releaseOf("valkey", "7.2.5"), least, busy), 600LL << 20);
}

}  // namespace swb::driver::redis
