#include "lab/up.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "base/ids.h"
#include "driver/support/files.h"
#include "driver/support/program.h"
#include "lab/addresses.h"
#include "lab/build_world.h"
#include "lab/down.h"
#include "lab/lab_engine.h"
#include "lab/privileges.h"
#include "lab/progress.h"
#include "lab/state.h"
#include "lab/supervisor.h"

namespace swb::lab {
namespace {

namespace fs = std::filesystem;
constexpr const char* programNames[] = {"swing", "swingd", "swing-agent"};

Result<void> copyFiles(const std::string& from, const std::string& to, const std::vector<std::string>& names,
                       mode_t mode) {
    TRY_VOID(makeDirectories(to, 0755));
    for (const std::string& name : names) {
        std::error_code error;
        fs::copy_file(from + "/" + name, to + "/" + name, fs::copy_options::overwrite_existing, error);
        if (error || ::chmod((to + "/" + name).c_str(), mode) != 0)
            return fail(ErrorCode::StorageFailed,
                        from + "/" + name + " cannot be copied to " + to + ": " + error.message());
    }
    return {};
}

Result<std::string> ownPrograms() {
    std::error_code error;
    const std::string directory = fs::read_symlink("/proc/self/exe", error).parent_path();
    for (const char* name : programNames)
        if (error || ::access((directory + "/" + name).c_str(), X_OK) != 0)
            return fail(ErrorCode::NotFound, std::string(name) + " is not beside swing in " + directory,
                        "build or install swingd, swing-agent and swing together");
    return directory;
}

Result<std::string> shopDirectory(const std::string& wanted, const std::string& programs) {
    for (const std::string& candidate :
         {wanted, programs + "/../share/swingbridge/examples/shop", std::string(SWB_SHOP_SOURCE)}) {
        if (candidate.empty()) continue;
        if (fileExists(candidate + "/shop.py")) return candidate;
        if (!wanted.empty()) break;
    }
    return fail(ErrorCode::NotFound, "the example application is not found", "name its directory with --app");
}

std::vector<std::string> filesIn(const std::string& directory) {
    std::vector<std::string> out;
    for (const std::string& name : driver::directoryEntries(directory))
        if (struct stat status{}; ::stat((directory + "/" + name).c_str(), &status) == 0 && S_ISREG(status.st_mode))
            out.push_back(name);
    return out;
}

// The lab's directory, empty and the user's; everything that only root may read is copied into it now.
Result<void> makeDirectory(World& world, const driver::OsUser& user, const std::string& code) {
    const std::string& directory = world.directory;
    if (driver::directoryExists(directory) && !driver::directoryEntries(directory).empty())
        return fail(ErrorCode::AlreadyExists, directory + " is not empty, and it is no lab", "choose another --dir");
    TRY_VOID(makeDirectories(fs::path(directory).parent_path(), 0755));
    TRY_VOID(makeDirectories(directory, 0700));
    TRY_VOID(storeWorld(world));  // from here on `down` and the next `up` know whose this is
    for (const Site& site : world.sites) TRY_VOID(copyFiles(code, world.codeDirectory(site), filesIn(code), 0644));
    bool usable = true;
    for (const char* name : programNames) usable = usable && mayExecute(user, world.programs + "/" + name);
    if (!usable) {
        TRY_VOID(
            copyFiles(world.programs, directory + "/bin", {std::begin(programNames), std::end(programNames)}, 0755));
        world.programs = directory + "/bin";
    }
    if (::geteuid() != 0) return {};
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(directory, error))
        if (::lchown(entry.path().c_str(), user.uid, user.gid) != 0) error = {errno, std::generic_category()};
    if (error || ::chown(directory.c_str(), user.uid, user.gid) != 0)
        return fail(ErrorCode::StorageFailed, directory + " cannot be given to " + user.name + ": " + error.message());
    if (!mayEnter(user, directory))
        return fail(ErrorCode::Forbidden, "the user " + user.name + " cannot enter " + directory,
                    "choose a --dir whose parents everybody may enter, such as /var/lib/swingbridge-lab");
    return {};
}

Result<void> makeSocketDirectory(World& world) {
    if (socketsFit(world.socketDirectory)) return makeDirectories(world.socketDirectory);
    std::string path = World::temporaryPattern;
    if (!::mkdtemp(path.data())) return fail(ErrorCode::StorageFailed, std::string("/tmp: ") + std::strerror(errno));
    world.socketDirectory = path;
    return {};
}

Result<std::string> findNginx() {
    for (std::string path : {driver::findProgram("nginx"), std::string("/usr/sbin/nginx")})
        if (!path.empty() && ::access(path.c_str(), X_OK) == 0) return path.substr(0, path.rfind('/'));
    return fail(ErrorCode::CommandFailed, "nginx is not installed", "install it: scripts/dependencies");
}

// An earlier lab here: one that runs is the answer; what is left of one that does not is removed.
Result<std::optional<World>> settleEarlier(const std::string& directory, Progress& progress) {
    auto earlier = loadWorld(directory);
    if (!earlier && earlier.error().code == ErrorCode::NotFound) return std::nullopt;
    if (!earlier) return fail(earlier.error());
    if (earlier->state == "up" && findSupervisor(directory)) return std::move(*earlier);
    if (earlier->state != "up" && driver::isAlive({earlier->starterPid, earlier->starterTicks}))
        return fail(ErrorCode::InUse, "another `swing lab up` is at work in " + directory, "wait for it");
    TRY_VOID(progress.step("what was left of an earlier lab removed", [&] { return removeLab(directory); }));
    return std::nullopt;
}

Result<World> newWorld(const std::string& directory, const driver::OsUser& user, const std::vector<Engine>& engines) {
    World world;
    world.directory = directory;
    world.programs = TRY(ownPrograms());
    for (const Engine engine : engines.empty() ? std::vector{Engine::postgresql} : engines)
        world.databases.push_back({engine, TRY(engineOf(engine).findPrograms())});
    world.nginx = TRY(findNginx());
    world.socketDirectory = directory + "/sockets";
    world.starterPid = ::getpid();
    if (const auto self = driver::processIdentity(world.starterPid)) world.starterTicks = self->startTicks;
    world.user = user.name;
    world.startedBy = TRY(driver::osUserById(::getuid())).name;
    world.password = Secret(newSecretToken());
    world.sites = makeSites(0, world.engines());
    return world;
}

}  // namespace

Result<UpResult> up(const UpRequest& request) {
    const std::string defaultPath = TRY(normalDirectory(defaultDirectory()));
    const std::string directory = request.directory.empty() ? defaultPath : TRY(normalDirectory(request.directory));
    const driver::OsUser user = TRY(labUser(request.user));
    Progress progress(request.quiet);
    if (auto running = TRY(settleEarlier(directory, progress))) {
        if (!request.engines.empty() && request.engines != running->engines())
            return fail(ErrorCode::InUse, "the lab in " + directory + " runs with other engines",
                        "swing lab down, then up again");
        if (request.replicas && !running->replicas)
            return fail(ErrorCode::InUse, "the lab in " + directory + " runs without replicas",
                        "swing lab down, then up again");
        return UpResult{std::move(*running), true, 0};
    }

    World world = TRY(newWorld(directory, user, request.engines));
    world.replicas = request.replicas;
    const std::string code = TRY(shopDirectory(request.code, world.programs));
    TRY_VOID(makeDirectory(world, user, code));
    TRY_VOID(becomeUser(user));
    TRY_VOID(makeSocketDirectory(world));
    const Fd claim = TRY(claimAddresses(world, preferredNumber(directory, directory == defaultPath)));
    for (const char* name : {"log", "hold", "environment"}) TRY_VOID(makeDirectories(directory + "/" + name));
    TRY_VOID(storeWorld(world));
    if (auto built = buildWorld(world, progress); !built) {
        const std::string hint = built.error().hint.empty() ? "" : built.error().hint + "; ";
        return fail(
            built.error().code, built.error().message,
            hint + "logs are in " + world.logDirectory() + "; remove it all: swing lab down --dir " + directory);
    }
    return UpResult{std::move(world), false, progress.totalSeconds()};
}

}  // namespace swb::lab
