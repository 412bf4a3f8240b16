#include "driver/nginx/nginx_driver.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <future>
#include <optional>
#include <thread>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "driver/nginx/server.h"
#include "driver/nginx/site.h"
#include "driver/nginx/target.h"
#include "driver/support/files.h"
#include "driver/support/http_probe.h"

namespace swb::driver {
namespace {

using nginx::addressKind;
using nginx::Layout;
using nginx::Server;
using nginx::Site;
using nginx::siteBytesMax;
using nginx::Target;

constexpr int64_t probeTimeoutMs = 1000;     // one request; a front that needs longer answers its visitors no better
constexpr int64_t reloadTimeoutMs = 10'000;  // until new workers have the configuration

FrontProbe ask(HttpProbe& client, const Target& target, int64_t timeoutMs) {
    const HttpAnswer answer = client.get(target.request("/", timeoutMs));
    FrontProbe probe;
    probe.address = target.connectTo.text();
    probe.status = answer.status;
    probe.maintenance = answer.status == 503 && answer.has(std::string(nginx::maintenanceHeader));
    probe.milliseconds = answer.milliseconds;
    probe.error = answer.error;
    return probe;
}

// Whether nginx serves the generation.
bool serves(HttpProbe& client, const Target& target, std::string_view generationPath) {
    return !generationPath.empty() && client.get(target.request(generationPath, probeTimeoutMs)).status == 204;
}

enum class Served { yes, no };

// For a tenth of a second after a reload nginx's old workers accept connections beside the new ones: the state wanted
// has to be seen for longer than that, without exception.
bool awaitServed(const Target& target, std::string_view generationPath, Served wanted, const Context& context) {
    constexpr int64_t steadyMs = 150, pauseMs = 5;
    HttpProbe client;
    const SystemClock clock;
    const MonotonicMs limit = std::min(context.deadline, clock.monotonic() + reloadTimeoutMs);
    MonotonicMs since = clock.monotonic();
    for (;;) {
        if (serves(client, target, generationPath) != (wanted == Served::yes)) since = clock.monotonic();
        const MonotonicMs now = clock.monotonic();
        if (now - since >= steadyMs) return true;
        if (now + pauseMs >= limit || context.cancelled()) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(pauseMs));
    }
}

Result<void> raiseFlag(const std::string& path) {
    const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!file.valid())
        return fail(ErrorCode::StorageFailed, "cannot create " + path + ": " + std::strerror(errno),
                    "prepare the web front again, or free space on the disk");
    return {};
}

Result<void> lowerFlag(const std::string& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return fail(ErrorCode::StorageFailed, "cannot remove " + path + ": " + std::strerror(errno));
    return {};
}

Result<void> placeFlag(const std::string& path, MaintenanceMode mode) {
    return mode == MaintenanceMode::page ? raiseFlag(path) : lowerFlag(path);
}

MaintenanceMode flagState(const std::string& path) {
    return fileExists(path) ? MaintenanceMode::page : MaintenanceMode::off;
}

std::string reachedSentence(const FrontProbe& last) {
    if (last.status == 0) return "it does not answer: " + last.error;
    return "it answers " + std::to_string(last.status) + (last.maintenance ? " with" : " without") +
           " the maintenance page";
}

// A site file as it was, to be put back.
class Rollback {
  public:
    explicit Rollback(std::string path) : path_(std::move(path)) {
        if (auto text = readFile(path_, siteBytesMax)) before_ = std::move(*text);
    }
    const std::optional<std::string>& before() const { return before_; }
    void putBack() const {
        const Result<void> done = before_ ? writeFileAtomically(path_, *before_, 0600) : removeFile(path_);
        if (!done) logError("nginx", "cannot put back {}: {}", path_, done.error().message);
    }

  private:
    std::string path_;
    std::optional<std::string> before_;
};

Result<void> testSite(const Server& server, const Layout& layout, const std::string& siteFile, const WebSpec& web,
                      const Context& context) {
    const nginx::Tested tested = TRY(server.testConfiguration(context));
    if (!nginx::includes(tested.dump, siteFile))
        return fail(ErrorCode::NotReady, "nginx's configuration does not include " + siteFile,
                    "add to its http block: include \"" + layout.siteDirectory + "/*.conf\";");
    for (const std::string& warning : nginx::conflictWarnings(web, addressKind(web.address)))
        if (tested.warnings.find(warning) != std::string::npos)
            return fail(ErrorCode::InUse, "another site of this nginx has the same address and name: " + warning,
                        "give each application its own server_name, or another port");
    return nginx::checkReadable(tested.dump, layout.dataDirectory);
}

// Tests what was written and brings it into force, seen from outside.
Result<void> bringIntoForce(const Server& server, const Layout& layout, const std::string& siteFile, const WebSpec& web,
                            const Site& site, const Context& context) {
    TRY_VOID(testSite(server, layout, siteFile, web, context));
    if (!TRY(server.start(context))) TRY_VOID(server.reload(context));
    const Target target(web);
    if (awaitServed(target, site.generationPath, Served::yes, context)) return {};
    return fail(ErrorCode::VerificationFailed,
                "nginx accepted the configuration, but " + target.connectTo.text() + " is not answered by it",
                "see nginx's error log; another program or site may listen there (set server_name)");
}

// Written only when it differs: pages can be large, and files that do not change are left alone.
Result<bool> writePage(const std::string& path, const std::string& page) {
    const std::string& content = page.empty() ? nginx::defaultPage() : page;
    const auto before = readFile(path, siteBytesMax);
    if (before && *before == content) return false;
    TRY_VOID(writeFileAtomically(path, content, 0644));
    return true;
}

}  // namespace

Result<Json> NginxDriver::prepare(std::string_view application, const WebSpec& web, const MaintenanceSpec& maintenance,
                                  MaintenanceMode initial, const Context& context) {
    TRY_VOID(nginx::checkWords(application, web, maintenance));
    const Layout layout = TRY(nginx::layoutOf(web));
    const Server server(layout);
    TRY_VOID(server.prepareFiles());
    const std::string siteFile = layout.siteFile(application), flag = layout.flagFile(application);
    const Site site = nginx::renderSite(application, web, maintenance, layout, addressKind(web.address));
    const Target target(web);
    const Rollback rollback(siteFile);
    bool changed = TRY(writePage(layout.pageFile(application), maintenance.page));

    HttpProbe client;
    if (rollback.before() != site.text || !server.isRunning(context) || !serves(client, target, site.generationPath)) {
        const bool isNew = !rollback.before() && !fileExists(flag);
        if (isNew) {
            TRY_VOID(placeFlag(flag, initial));
            TRY_VOID(flushDirectory(layout.dataDirectory));
        }
        TRY_VOID(writeFileAtomically(siteFile, site.text, 0600));
        if (const auto done = bringIntoForce(server, layout, siteFile, web, site, context); !done) {
            rollback.putBack();
            if (isNew) (void)lowerFlag(flag);
            // nginx may have taken the new one over meanwhile.
            if (server.isRunning(context)) (void)server.reload(context);
            return fail(done.error());
        }
        changed = true;
    }
    return JsonObject{{"config", siteFile}, {"flag", flag}, {"changed", changed}};
}

Result<FrontProbe> NginxDriver::setMaintenance(std::string_view application, const WebSpec& web, MaintenanceMode mode,
                                               const Context& context) {
    const double started = preciseMs();
    TRY_VOID(nginx::checkWords(application, web, {}));
    const Layout layout = TRY(nginx::layoutOf(web));
    const std::string flag = layout.flagFile(application);
    const auto siteText = readFile(layout.siteFile(application), siteBytesMax);
    if (!siteText)
        return fail(ErrorCode::NotReady, "the web front of " + std::string(application) + " has not been prepared",
                    "apply the application again");
    const MaintenanceMode before = flagState(flag);
    TRY_VOID(placeFlag(flag, mode));
    // The flag acts at once; that it also survives a power cut is seen to while the front is asked.
    auto flushed = std::async(std::launch::async, [&] { return flushDirectory(layout.dataDirectory); });

    const Target target(web);
    HttpProbe client;
    FrontProbe last;
    for (int pauseMs = 1;; pauseMs = std::min(pauseMs * 2, 20)) {
        last = ask(client, target, std::min(probeTimeoutMs, std::max<int64_t>(1, context.remainingMs())));
        bool reached = last.maintenance == (mode == MaintenanceMode::page) && last.status != 0;
        // An application that takes its time to answer has been let through: nginx answers maintenance itself, at once.
        if (!reached && mode == MaintenanceMode::off && last.status == 0)
            last.passedOn = last.milliseconds >= static_cast<double>(probeTimeoutMs) &&
                            serves(client, target, nginx::generationPathOf(*siteText));
        if (reached || last.passedOn) break;
        if (context.remainingMs() <= pauseMs || context.cancelled()) {
            (void)placeFlag(flag, before);
            (void)flushed.get();
            (void)flushDirectory(layout.dataDirectory);
            return fail(ErrorCode::ProbeFailed,
                        "maintenance " + std::string(mode == MaintenanceMode::page ? "on" : "off") +
                            " was not seen at " + target.connectTo.text() + ": " + reachedSentence(last),
                        "check that nginx runs and that its configuration is the one Swingbridge wrote");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(pauseMs));
    }
    TRY_VOID(flushed.get());
    last.milliseconds = preciseMs() - started;
    return last;
}

MaintenanceMode NginxDriver::maintenance(std::string_view application, const WebSpec& web, const Context&) {
    const auto layout = nginx::layoutOf(web);
    return layout ? flagState(layout->flagFile(application)) : MaintenanceMode::off;
}

FrontProbe NginxDriver::probe(std::string_view, const WebSpec& web, const Context& context) {
    HttpProbe client;
    return ask(client, Target(web), std::min(probeTimeoutMs, std::max<int64_t>(1, context.remainingMs())));
}

Result<Json> NginxDriver::remove(std::string_view application, const WebSpec& web, const Context& context) {
    TRY_VOID(nginx::checkWords(application, web, {}));
    const Layout layout = TRY(nginx::layoutOf(web));
    const Server server(layout);
    const std::string siteFile = layout.siteFile(application);
    const Rollback rollback(siteFile);
    if (rollback.before()) {
        TRY_VOID(removeFile(siteFile));
        if (server.isRunning(context)) {
            if (const auto tested = server.testConfiguration(context); !tested) {
                rollback.putBack();
                return fail(tested.error().within("removing the web front"));
            }
            TRY_VOID(server.reload(context));
            if (!awaitServed(Target(web), nginx::generationPathOf(*rollback.before()), Served::no, context))
                return fail(ErrorCode::DeadlineExceeded, "nginx still serves the site that was removed",
                            "see nginx's error log, and reload it");
        }
    }
    TRY_VOID(removeFile(layout.flagFile(application)));
    TRY_VOID(removeFile(layout.pageFile(application)));
    return JsonObject{{"config", siteFile}, {"changed", rollback.before().has_value()}};
}

Result<Json> NginxDriver::ensureRunning(const WebSpec& web, const Context& context) {
    const Layout layout = TRY(nginx::layoutOf(web));
    const Server server(layout);
    TRY_VOID(server.prepareFiles());
    const bool started = TRY(server.start(context));
    JsonObject result{{"running", true}, {"started", started}};
    if (const auto process = layout.direct ? server.master() : std::nullopt) result["pid"] = process->pid;
    return result;
}

Result<void> NginxDriver::stop(const WebSpec& web, const Context& context) {
    return Server(TRY(nginx::layoutOf(web))).stop(context);
}

}  // namespace swb::driver
