#include "support/database_world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/fd.h"
#include "base/file.h"
#include "driver/support/files.h"
#include "model/group.h"

namespace swb::test {

driver::Context DatabaseSide::context(int64_t milliseconds) const {
    driver::Context context;
    context.deadline = SystemClock().monotonic() + milliseconds;
    context.stateDirectory = stateDirectory;
    return context;
}

void DatabaseSide::restartAgent() {
    driver = require(driver::makeDatabaseDriver(spec.engine));
}

std::string makeTestDirectory(const std::string& name) {
    // In memory where possible: what is tested is the order of things, and a busy disk makes minutes of it.
    const char* parent = std::getenv("TMPDIR");
    const bool memory = !parent && driver::directoryExists("/dev/shm") && ::access("/dev/shm", W_OK) == 0;
    std::string path = std::string(parent ? parent : memory ? "/dev/shm" : "/tmp") + "/swb-" + name + "-XXXXXX";
    if (!::mkdtemp(path.data()) || ::chmod(path.c_str(), 0755) != 0) std::abort();
    return path;
}

uint16_t freePort(const std::string& address) {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    ::inet_pton(AF_INET, address.c_str(), &name.sin_addr);
    socklen_t size = sizeof name;
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&name), size) != 0 ||
        ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size) != 0)
        std::abort();
    return ntohs(name.sin_port);
}

void giveTo(const driver::OsUser& user, const std::string& path) {
    if (::geteuid() == 0 && ::chown(path.c_str(), user.uid, user.gid) != 0) std::perror("chown");
}

DatabaseWorld::DatabaseWorld(const std::string& kind)
    : directory_(makeTestDirectory(kind)), authority_(require(crypto::createAuthority("test authority", 1))) {}

void DatabaseWorld::makeSides(const std::string& settings) {
    makeSide(a_, "shop-fra", "127.0.10.1", settings);
    makeSide(b_, "shop-nyc", "127.0.20.1", settings);
}

void DatabaseWorld::makeSide(DatabaseSide& side, const std::string& application, const std::string& host,
                             const std::string& settings) {
    const std::string directory = directory_ + "/" + application;
    std::filesystem::create_directories(directory + "/agent");
    side.application = application;
    side.slot = Link::slotFor(application);
    side.stateDirectory = directory + "/agent";
    side.spec = makeServer(directory, host, settings);
    side.restartAgent();
}

void DatabaseWorld::endSides() {
    killServer(a_.spec);
    killServer(b_.spec);
    for (const auto& side : further_) killServer(side->spec);
    if (!std::getenv("SWB_KEEP_TEST_DATA")) (void)driver::removeTree(directory_);
}

DatabaseSide& DatabaseWorld::addSide(const std::string& application, const std::string& host) {
    DatabaseSide& side = *further_.emplace_back(std::make_unique<DatabaseSide>());
    makeSide(side, application, host, {});
    return side;
}

void DatabaseWorld::installCertificates(DatabaseSide& side, int64_t lifetimeSeconds) {
    const auto authority = require(crypto::CertificateAuthority::load(authority_.certificatePem, authority_.keyPem));
    const auto requests = require(side.driver->certificateRequests(side.spec, side.context()));
    side.verifier = requests.verifier;
    crypto::SignRequest server, client;
    server.commonName = side.spec.replicationAddress().host;
    server.ipAddresses = {side.spec.replicationAddress().host};
    server.usage = crypto::CertificateUsage::server;
    client.commonName = "swingbridge_repl";
    client.usage = crypto::CertificateUsage::client;
    server.lifetimeSeconds = client.lifetimeSeconds = lifetimeSeconds;
    require(
        side.driver->installCertificates(side.spec,
                                         {authority_.certificatePem, require(authority.sign(requests.server, server)),
                                          require(authority.sign(requests.client, client))},
                                         side.context()));
}

void DatabaseWorld::link() {
    constexpr int64_t patienceMs = 60'000;
    installCertificates(a_);
    installCertificates(b_);
    require(a_.driver->prepareSource(a_.spec, a_.application, b_.peer(), b_.slot, a_.context(patienceMs)));
    require(b_.driver->seed(b_.spec, b_.application, a_.peer(), b_.slot, b_.context(patienceMs)));
    require(b_.driver->prepareSource(b_.spec, b_.application, a_.peer(), "", b_.context()));
}

}  // namespace swb::test
