#include "dns/server.h"

#include <pthread.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "dns/socket.h"
#include "dns/tcp_worker.h"
#include "dns/udp_worker.h"

namespace swb::dns {
namespace {

constexpr size_t endpointsMax = 64;
constexpr size_t nsidBytesMax = 128;  // it must not take the room of the records

Result<void> checkOptions(const ServerOptions& options) {
    if (options.endpoints.empty() || options.endpoints.size() > endpointsMax)
        return fail(ErrorCode::InvalidInput, "the name server needs 1 to 64 addresses to listen on");
    if (options.udpThreads == 0 || options.udpThreads >= SnapshotCell::readersMax)
        return fail(ErrorCode::InvalidInput, "the name server needs 1 to 63 UDP threads");
    if (options.cookieKeys.size() > cookieKeysMax)
        return fail(ErrorCode::InvalidInput, "the name server takes two cookie keys: the one in use and an old one");
    if (options.nsid.size() > nsidBytesMax)
        return fail(ErrorCode::InvalidInput, "the name server's identifier is longer than 128 octets");
    for (const Endpoint& endpoint : options.endpoints)
        if (endpoint.address.isUnspecified())
            return fail(ErrorCode::InvalidInput, "the name server cannot listen on " + endpoint.address.toText(),
                        "list the machine's addresses, so that each reply leaves from the address that was asked");
    return {};
}

// The program's signals are for its main thread.
template <typename Work>
std::thread startThread(const char* name, Work work) {
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread(std::move(work));
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(thread.native_handle(), name);
    return thread;
}

}  // namespace

Server::Server(ZoneSetPointer zones) : cell_(std::move(zones)), stopSignal_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Server::~Server() {
    stop();
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, ZoneSetPointer zones) {
    TRY_VOID(checkOptions(options));
    if (!zones) return fail(ErrorCode::InvalidInput, "the name server needs its zones to start with");
    std::unique_ptr<Server> server(new Server(std::move(zones)));
    TRY_VOID(server->listen(options));
    const int stopSignal = server->stopSignal_.get();
    for (const auto& worker : server->udpWorkers_)
        server->threads_.push_back(
            startThread("dns-udp", [worker = worker.get(), stopSignal] { worker->run(stopSignal); }));
    server->threads_.push_back(
        startThread("dns-tcp", [worker = server->tcpWorker_.get(), stopSignal] { worker->run(stopSignal); }));
    return server;
}

Result<void> Server::listen(const ServerOptions& options) {
    if (!stopSignal_.valid())
        return fail(ErrorCode::StorageFailed, std::string("cannot open an event descriptor: ") + std::strerror(errno));
    settings_.cookieKeys = options.cookieKeys;
    if (settings_.cookieKeys.empty()) settings_.cookieKeys = {randomCookieKey()};
    settings_.nsid = options.nsid;
    settings_.rateLimit = options.rateLimit;
    settings_.peers = options.peers;
    settings_.freshness = options.freshness;
    std::vector<std::vector<Fd>> udpOfThread(options.udpThreads);
    std::vector<Fd> listeners;
    for (const Endpoint& endpoint : options.endpoints) {
        BoundSockets bound = TRY(bindSockets(endpoint, options.udpThreads));
        endpoints_.push_back(bound.endpoint);
        listeners.push_back(std::move(bound.tcp));
        for (size_t i = 0; i < options.udpThreads; ++i) udpOfThread[i].push_back(std::move(bound.udp[i]));
    }
    for (auto& sockets : udpOfThread)
        udpWorkers_.push_back(std::make_unique<UdpWorker>(std::move(sockets), cell_, settings_));
    tcpWorker_ = std::make_unique<TcpWorker>(std::move(listeners), options, cell_, settings_);
    return tcpWorker_->prepare(stopSignal_.get());
}

Result<void> Server::publish(ZoneSetPointer zones) {
    const std::lock_guard lock(publishing_);
    return publishLocked(std::move(zones));
}

Result<void> Server::publish(ZonePointer zone) {
    const std::lock_guard lock(publishing_);
    return publishLocked(cell_.current()->with(std::move(zone)));
}

void Server::withdraw(NameView origin) {
    const std::lock_guard lock(publishing_);
    cell_.publish(cell_.current()->without(origin));
}

Result<void> Server::publishLocked(ZoneSetPointer zones) {
    const ZoneSetPointer current = cell_.current();
    for (const ZonePointer& zone : zones->zones())
        if (const ZonePointer older = current->zone(zone->origin())) TRY_VOID(checkSuccessor(*older, *zone));
    cell_.publish(std::move(zones));
    return {};
}

ServerCounters Server::counters() const {
    ServerCounters sum = finished_;
    for (const auto& worker : udpWorkers_) {
        sum.udpAnswers += worker->answers.load(std::memory_order_relaxed);
        sum.udpOverLimit += worker->overLimit.load(std::memory_order_relaxed);
        sum.udpDropped += worker->dropped.load(std::memory_order_relaxed);
    }
    if (tcpWorker_) {
        sum.tcpAnswers += tcpWorker_->answers.load(std::memory_order_relaxed);
        sum.tcpRefusedConnections += tcpWorker_->refusedConnections.load(std::memory_order_relaxed);
    }
    return sum;
}

void Server::stop() {
    const uint64_t one = 1;
    if (!threads_.empty() && ::write(stopSignal_.get(), &one, sizeof(one)) < 0) std::terminate();
    for (const auto& worker : udpWorkers_) worker->requestStop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    // The sockets close with the workers, not with the server: whoever stopped it may bind the port at once.
    finished_ = counters();
    udpWorkers_.clear();
    tcpWorker_.reset();
}

}  // namespace swb::dns
