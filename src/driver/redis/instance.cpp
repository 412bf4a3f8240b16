#include "driver/redis/instance.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/fd.h"
#include "base/file.h"
#include "driver/redis/config_text.h"
#include "driver/redis/credentials.h"
#include "driver/redis/dialect.h"
#include "driver/redis/managers.h"
#include "driver/support/files.h"

namespace swb::driver::redis {

namespace {

constexpr size_t configBytesMax = 4 << 20;

struct Paths {
    glob_t found{};
    ~Paths() { ::globfree(&found); }
};

// Included files stand behind the including one, at any depth up to the limit: good enough to look a setting up.
void appendWithIncludes(std::string& all, const std::string& path, int depth) {
    constexpr int depthMax = 4;
    const auto text = readFile(path, configBytesMax);
    if (!text || depth > depthMax || all.size() > configBytesMax) return;
    all += *text + "\n";
    size_t at = 0;
    while (at < text->size()) {
        const size_t end = std::min(text->find('\n', at), text->size());
        const auto words = wordsOf(std::string_view(*text).substr(at, end - at));
        at = end + 1;
        if (!words || words->size() != 2 || (*words)[0] != "include") continue;
        Paths paths;
        if (::glob((*words)[1].c_str(), 0, nullptr, &paths.found) != 0) continue;
        for (size_t i = 0; i < paths.found.gl_pathc; ++i) appendWithIncludes(all, paths.found.gl_pathv[i], depth + 1);
    }
}

}  // namespace

Result<Instance> Instance::open(const DatabaseSpec& spec, const Context& context, ConnectionPool& pool) {
    Instance instance;
    TRY_VOID(instance.settle(spec, context));
    instance.pool_ = &pool;
    instance.config_ = spec.service.config;
    if (instance.config_.empty())
        instance.config_ =
            spec.service.manage == Manage::systemd ? defaultConfigFile(spec.engine) : spec.service.data + "/redis.conf";
    const std::string program = (spec.service.bin.empty() ? "" : spec.service.bin + "/") + serverProgram(spec.engine);
    instance.service_ = TRY(makeServiceManager(
        {spec.service, program, instance.config_, instance.user(), instance.stateDirectory(), instance.logFile()}));
    return instance;
}

Endpoint Instance::endpoint() const {
    if (!spec_.service.socket.empty()) return {spec_.service.socket, {}, 0, std::nullopt};
    return {{}, spec_.address.host, spec_.address.port, std::nullopt};
}

Result<Endpoint> Instance::peerEndpoint(const HostPort& address) const {
    constexpr size_t pemBytesMax = 64 << 10;
    const ActAs acting(user_);
    const TlsDirectory files = this->tls();
    TlsClient tls;
    tls.authorityPem = TRY(readFile(files.file("authority.pem"), pemBytesMax));
    tls.identity.certificatePem = TRY(readFile(files.file("client.pem"), pemBytesMax));
    tls.identity.keyPem = Secret(TRY(readFile(files.file("client.key"), pemBytesMax)));
    return Endpoint{{}, address.host, address.port, std::move(tls)};
}

Result<Session> Instance::session(const Context& context) const {
    if (auto idle = pool_->take(poolKey())) return Session(*pool_, poolKey(), std::move(*idle));
    return Session(*pool_, poolKey(), TRY(logInAsAgent(*this, context)));
}

std::optional<ProcessIdentity> Instance::process() const {
    return findServer(data());
}

Result<Session> Instance::awaitReady(const Context& context) const {
    constexpr int64_t gonePatienceMs = 1500;  // a process that was just launched may not be there yet
    const MonotonicMs patience = SystemClock().monotonic() + gonePatienceMs;
    for (;;) {
        auto session = this->session(context);
        std::string why;
        if (session) {
            const auto info = (*session)->info("persistence", context.deadline);
            if (info && info->integer("loading") == 0) return session;
            why = info ? "it is loading its data" : info.error().message;
        } else {
            why = session.error().message;
            if (session.error().code != ErrorCode::Unreachable) return session;
        }
        if (context.remainingMs() == 0 || context.cancelled())
            return fail(ErrorCode::DeadlineExceeded, "the server in " + data() + " is not ready: " + why);
        if (SystemClock().monotonic() > patience && !process())
            return fail(ErrorCode::DatabaseFailed,
                        "the server in " + data() + " did not come up: " + endOfLog(logFile()) + endOfLog(ownLogFile()),
                        "See the server's log.");
        pause(3);
    }
}

Result<Session> Instance::startAndConnect(const Context& context) const {
    if (!fileExists(configFile()))
        return fail(ErrorCode::NotFound, "there is no configuration file " + configFile(),
                    "Name the server's redis.conf with service.config.");
    pool_->forget(poolKey());
    TRY_VOID(service_->start(context));
    return awaitReady(context);
}

Result<Session> Instance::runningSession(const Context& context) const {
    constexpr int64_t lookMs = 1000;
    for (;;) {
        // One that is just ending still has a process, and connections that look good.
        const bool answers = this->session(withDeadline(context, within(context, lookMs))).has_value();
        auto session = answers ? awaitReady(context) : Result<Session>(fail(ErrorCode::Unreachable, "it is ending"));
        if (session) return session;
        if (!process()) return startAndConnect(context);
        if (context.remainingMs() == 0 || context.cancelled()) return session;
        pause(20);
    }
}

std::string Instance::ownLogFile() const {
    const auto named = lastSetting(configuration(), "logfile");
    return named && !named->empty() && !named->front().empty() && named->front().front() == '/' ? named->front() : "";
}

RoleFile Instance::role() const {
    const ActAs acting(user_);
    return RoleFile::parse(readFile(roleFilePath(), configBytesMax).value_or(""));
}

Result<void> Instance::writeRole(const RoleFile& role, Flush flush) const {
    std::string before;
    {
        const ActAs acting(user_);
        before = readFile(roleFilePath(), configBytesMax).value_or("");
    }
    const std::string after = role.text();
    if (before.empty()) TRY_VOID(openTheWay(state_, user_));
    if (after != before) {
        // The directory is ours and not the service's: the file is made by us and given away.
        TRY_VOID(replaceFileFor(user_, roleFilePath(), after, 0600));
        if (flush == Flush::now) TRY_VOID(flushRole());
    }
    const std::string main = TRY(readFile(configFile(), configBytesMax));
    return rewriteFile(configFile(), main, withIncludeLast(main, roleFilePath()));
}

Result<void> Instance::flushRole() const {
    return flushFile(roleFilePath());
}

std::string Instance::configuration() const {
    std::string all;
    appendWithIncludes(all, configFile(), 0);
    return all;
}

Result<void> Instance::rewriteFile(const std::string& path, const std::string& before, const std::string& after) const {
    if (before == after) return {};
    const OsUser owner = TRY(ownerOf(path));
    struct stat status {};
    const mode_t mode = ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0640;
    return writeFileAs(owner, path, after, mode);
}

Result<void> Instance::writeRecord(std::string_view name, const Json& content) const {
    const std::string text = toText(content) + "\n";
    const std::string path = recordFile(name);
    if (readFile(path, 1 << 20).value_or("") == text) return {};
    return replaceFileFor(TRY(currentOsUser()), path, text, 0600);
}

Result<void> Instance::removeRecord(std::string_view name) const {
    return fileExists(recordFile(name)) ? removeFile(recordFile(name)) : Result<void>();
}

}  // namespace swb::driver::redis
