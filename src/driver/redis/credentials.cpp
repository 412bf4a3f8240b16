#include "driver/redis/credentials.h"

#include "base/file.h"
#include "base/ids.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "driver/redis/config_text.h"
#include "driver/redis/dialect.h"

namespace swb::driver::redis {

namespace {

constexpr size_t passwordBytesMax = 512;

Result<Secret> readPassword(const std::string& path) {
    std::string text = TRY(readFile(path, passwordBytesMax));
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return Secret(std::move(text));
}

Result<Secret> passwordIn(const std::string& path) {
    if (fileExists(path)) return readPassword(path);
    Secret made(newSecretToken());
    TRY_VOID(writeFileAtomically(path, made.reveal() + "\n", 0600));
    return made;
}

std::string agentPasswordFile(const Instance& instance) {
    return instance.stateFile("agent.password");
}

std::string superuserOf(const Instance& instance) {
    return instance.spec().service.superuser.empty() ? "default" : instance.spec().service.superuser;
}

// Plain passwords that the server's own files name for the user the agent is to begin as.
std::vector<Secret> configuredPasswords(const Instance& instance) {
    std::vector<Secret> passwords;
    const std::string text = instance.configuration();
    const std::string user = superuserOf(instance);
    if (const auto required = lastSetting(text, "requirepass"); required && required->size() == 1 && user == "default")
        passwords.emplace_back(required->front());
    std::string users = text;
    if (const auto file = lastSetting(text, "aclfile"); file && file->size() == 1 && !file->front().empty())
        users = readFile(file->front().front() == '/' ? file->front() : instance.dataFile(file->front())).value_or("");
    for (const auto& rule : userRules(users, user).value_or(std::vector<std::string>{}))
        if (rule.size() > 1 && rule.front() == '>') passwords.emplace_back(rule.substr(1));
    return passwords;
}

bool lacksPassword(const Reply& reply) {
    return reply.errorName() == "NOAUTH";
}

// As the service's user: the socket may be nobody else's.
Result<Connection> connect(const Instance& instance, const Context& context) {
    const ActAs acting(instance.user());
    return Connection::open(instance.endpoint(), context.deadline);
}

Result<Connection> logInAsConfigured(const Instance& instance, const Context& context) {
    Connection connection = TRY(connect(instance, context));
    const auto first = TRY(connection.callAll({{"PING"}}, context.deadline));
    if (!first[0].isError() || first[0].errorName() == "LOADING") return connection;
    if (!lacksPassword(first[0])) return serverError(first[0]);
    for (const Secret& password : configuredPasswords(instance))
        if (connection.logIn(superuserOf(instance), password, context.deadline)) return connection;
    return fail(ErrorCode::DatabaseFailed,
                "the server in " + instance.data() + " wants a password, and its configuration names none in clear",
                "Give the agent a user: as an administrator, ACL SETUSER swingbridge on '>PASSWORD' ~* &* +@all, and "
                "put the password into " +
                    agentPasswordFile(instance) + " (mode 0600).");
}

Result<void> checkRelease(Connection& connection, const Context& context) {
    const Release release = releaseOf(TRY(connection.info("server", context.deadline)));
    if (release.supported()) return {};
    return fail(ErrorCode::Unsupported,
                "the server is " + std::string(release.valkey ? "Valkey " : "Redis ") + release.version,
                "Redis 6.2 to 8 and Valkey 7.2 to 9 are supported.");
}

// Where the server keeps users: its ACL file, or its configuration file.
Result<std::string> usersFile(const Instance& instance, Connection& connection, const Context& context) {
    const Reply reply = TRY(connection.call({"CONFIG", "GET", "aclfile"}, context.deadline));
    const std::string file = reply.valueOf("aclfile").value_or("");
    if (file.empty()) return instance.configFile();
    return file.front() == '/' ? file : instance.dataFile(file);
}

Result<void> makeAgentUser(const Instance& instance, Connection& connection, const Context& context) {
    TRY_VOID(checkRelease(connection, context));
    const Secret password = TRY(passwordIn(agentPasswordFile(instance)));
    TRY_VOID(keepUser(instance, connection, agentUser,
                      std::vector<std::string>{"on", "#" + verifierOf(password), "~*", "&*", "+@all"}, context));
    logInfo("redis", "the agent has its own user {} at {}", agentUser, instance.endpoint().text());
    return connection.logIn(std::string(agentUser), password, context.deadline);
}

}  // namespace

Result<Connection> logInAsAgent(const Instance& instance, const Context& context) {
    if (fileExists(agentPasswordFile(instance))) {
        Connection connection = TRY(connect(instance, context));
        const Secret password = TRY(readPassword(agentPasswordFile(instance)));
        const auto loggedIn = connection.logIn(std::string(agentUser), password, context.deadline);
        if (loggedIn) return connection;
        if (loggedIn.error().code != ErrorCode::DatabaseFailed) return fail(loggedIn.error());
    }
    Connection connection = TRY(logInAsConfigured(instance, context));
    TRY_VOID(makeAgentUser(instance, connection, context));
    return connection;
}

Result<Secret> replicationPassword(const Instance& instance) {
    return passwordIn(instance.stateFile("replication.password"));
}

std::string verifierOf(const Secret& password) {
    return crypto::sha256Hex(password.reveal());
}

Result<void> keepUser(const Instance& instance, Connection& connection, std::string_view user,
                      const std::optional<std::vector<std::string>>& rules, const Context& context) {
    Command command = {"ACL", rules ? "SETUSER" : "DELUSER", std::string(user)};
    std::string line;
    if (rules) {
        command.push_back("reset");
        for (const auto& rule : *rules) {
            command.push_back(rule);
            line += (line.empty() ? "" : " ") + rule;
        }
    }
    TRY(connection.call(command, context.deadline));
    const std::string path = TRY(usersFile(instance, connection, context));
    const std::string before = TRY(readFile(path));
    return instance.rewriteFile(path, before, withUser(before, user, rules ? std::optional(line) : std::nullopt));
}

}  // namespace swb::driver::redis
