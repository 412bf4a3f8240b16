#include "dns/transfer/notifier.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "dns/message.h"
#include "dns/soa.h"

namespace swb::dns::transfer {
namespace {

constexpr size_t waitingMax = 8;
constexpr int64_t longestSleepMs = 60'000;

Result<Fd> openSocket(int family, const std::vector<IpAddress>& from) {
    Fd fd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) return Fd();  // a machine without that family
    for (const IpAddress& address : from) {
        if ((address.family == AddressFamily::ipv4) != (family == AF_INET)) continue;
        const SocketAddress own = SocketAddress::of({address, 0});
        if (::bind(fd.get(), own.pointer(), own.size) != 0)
            return fail(ErrorCode::Unreachable,
                        "cannot send NOTIFY from " + address.toText() + ": " + std::strerror(errno));
        break;
    }
    return fd;
}

uint16_t randomId(const Clock& clock) {
    uint16_t id = 0;
    if (::getrandom(&id, sizeof(id), 0) != sizeof(id)) id = static_cast<uint16_t>(clock.monotonic());
    return id;
}

}  // namespace

Notifier::Notifier(NotifierSettings settings, const Clock& clock)
    : settings_(std::move(settings)), clock_(clock), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Notifier::~Notifier() {
    stop();
}

Result<std::unique_ptr<Notifier>> Notifier::start(NotifierSettings settings, const Clock& clock) {
    std::unique_ptr<Notifier> notifier(new Notifier(std::move(settings), clock));
    TRY_VOID(notifier->openSockets());
    if (notifier->settings_.lookUp)
        notifier->foreign_ =
            std::make_unique<ForeignServers>(notifier->settings_.lookUp, notifier->settings_.lookUpTiming, clock,
                                             [self = notifier.get()] { self->addressesChanged(); });
    notifier->thread_ = std::thread([self = notifier.get()] { self->run(); });
    return notifier;
}

Result<void> Notifier::openSockets() {
    if (!wake_.valid()) return fail(ErrorCode::StorageFailed, "cannot open an event descriptor");
    ipv4_ = TRY(openSocket(AF_INET, settings_.from));
    ipv6_ = TRY(openSocket(AF_INET6, settings_.from));
    return {};
}

void Notifier::stop() {
    if (foreign_) foreign_->stop();
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake();
    thread_.join();
}

void Notifier::wake() const {
    const uint64_t one = 1;
    if (::write(wake_.get(), &one, sizeof(one)) < 0) logWarning("dns", "the notifier cannot be woken");
}

// Of a server named inside one of the zones, as that zone says; of others, as was looked up last.
std::vector<IpAddress> Notifier::addressesOf(const Name& server) const {
    for (const auto& [origin, zone] : zones_)
        if (server.view().isAtOrBelow(origin))
            if (std::vector<IpAddress> found = addressesIn(*zone, server); !found.empty()) return found;
    return foreign_ ? foreign_->addressesOf(server) : std::vector<IpAddress>();
}

void Notifier::setTargets(const ZonePointer& zone) {
    const Name& origin = zone->origin();
    if (foreign_) {
        std::vector<Name> elsewhere = serversOf(settings_.rules, *zone);
        std::erase_if(elsewhere, [&](const Name& server) { return server.view().isAtOrBelow(origin); });
        foreign_->want(origin, std::move(elsewhere));
    }
    const std::vector<Secondary> secondaries =
        secondariesOf(settings_.rules, *zone, [this](const Name& server) { return addressesOf(server); });
    std::erase_if(targets_, [&](const Target& target) {
        return target.zone == origin &&
               std::none_of(secondaries.begin(), secondaries.end(),
                            [&](const Secondary& wanted) { return wanted.endpoint == target.secondary.endpoint; });
    });
    for (const Secondary& secondary : secondaries) {
        auto target = std::find_if(targets_.begin(), targets_.end(), [&](const Target& known) {
            return known.zone == origin && known.secondary.endpoint == secondary.endpoint;
        });
        if (target == targets_.end()) {
            target = targets_.emplace(targets_.end());
            target->zone = origin;
            target->secondary = secondary;
        }
        target->soa = zone->soa().records.front();
        target->soaTtlSeconds = zone->soa().ttlSeconds;
        target->session.zoneChanged(zone->serial(), clock_.monotonic());
    }
}

void Notifier::zoneChanged(const ZonePointer& zone) {
    {
        const std::lock_guard lock(mutex_);
        zones_[zone->origin()] = zone;
        setTargets(zone);
    }
    wake();
}

void Notifier::addressesChanged() {
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [origin, zone] : zones_) setTargets(zone);
    }
    wake();
}

std::vector<SecondaryState> Notifier::states() const {
    const std::lock_guard lock(mutex_);
    std::vector<SecondaryState> states;
    for (const Target& target : targets_)
        states.push_back({target.zone, target.secondary.endpoint, target.session.wanted().value_or(0),
                          target.session.state(), target.contactAt});
    return states;
}

void Notifier::run() {
    std::array<pollfd, 3> watched{pollfd{wake_.get(), POLLIN, 0}, pollfd{ipv4_.get(), POLLIN, 0},
                                  pollfd{ipv6_.get(), POLLIN, 0}};
    while (true) {
        const int64_t sleepMs = sendDue();
        if (::poll(watched.data(), watched.size(), static_cast<int>(sleepMs)) < 0) continue;
        uint64_t count = 0;
        if (watched[0].revents != 0 && ::read(wake_.get(), &count, sizeof(count)) < 0) count = 0;
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        for (size_t i = 1; i < watched.size(); ++i)
            if (watched[i].revents != 0) receive(watched[i].fd);
    }
}

// How long nothing is due.
int64_t Notifier::sendDue() {
    const std::lock_guard lock(mutex_);
    const MonotonicMs now = clock_.monotonic();
    MonotonicMs next = now + longestSleepMs;
    for (Target& target : targets_) {
        const auto kind = target.session.next(now);
        if (kind != NotifySession::Send::nothing) send(target, kind);
        if (const auto wakeAt = target.session.wakeAt()) next = std::min(next, *wakeAt);
    }
    return std::max<int64_t>(next - now, 0);
}

// NOTIFY: the new SOA in the answer section, AA set (RFC 1996 §3.7); the same question when asking.
void Notifier::send(Target& target, NotifySession::Send kind) {
    const bool isNotify = kind == NotifySession::Send::notify;
    Target::Waiting waiting{randomId(clock_), kind, *target.session.wanted(), {}};
    std::vector<uint8_t> bytes(ednsUdpBytes * 2);
    WireWriter writer(bytes);
    const auto flags = static_cast<uint16_t>(isNotify ? opcode::notify << 11 | flag::authoritative : 0);
    for (const uint16_t word :
         {waiting.id, flags, uint16_t{1}, static_cast<uint16_t>(isNotify ? 1 : 0), uint16_t{0}, uint16_t{0}})
        writer.u16(word);
    writer.compressedName(target.zone);
    writer.u16(type::soa);
    writer.u16(recordClass::internet);
    if (isNotify) {
        writer.compressedName(target.zone);
        writer.u16(type::soa);
        writer.u16(recordClass::internet);
        writer.u32(target.soaTtlSeconds);
        const size_t lengthAt = writer.size();
        writer.u16(0);
        writeRdata(writer, type::soa, target.soa);
        writer.patchU16(lengthAt, static_cast<uint16_t>(writer.size() - lengthAt - 2));
    }
    size_t length = writer.size();
    if (target.secondary.key) {
        TsigSigner signer(target.secondary.key);
        length = signer.sign(bytes, length, seconds());
        waiting.mac.assign(signer.mac().begin(), signer.mac().end());
    }
    if (target.waiting.size() == waitingMax) target.waiting.erase(target.waiting.begin());
    target.waiting.push_back(std::move(waiting));
    const SocketAddress to = SocketAddress::of(target.secondary.endpoint);
    const Fd& socket = target.secondary.endpoint.address.family == AddressFamily::ipv4 ? ipv4_ : ipv6_;
    // A packet that cannot be sent is one that got lost.
    if (::sendto(socket.get(), bytes.data(), length, MSG_NOSIGNAL, to.pointer(), to.size) < 0)
        logDebug("dns", "NOTIFY to {} not sent: {}", target.secondary.endpoint.toText(), std::strerror(errno));
}

void Notifier::receive(int socket) {
    std::array<uint8_t, 4096> buffer;
    while (true) {
        SocketAddress from;
        const ssize_t count =
            ::recvfrom(socket, buffer.data(), buffer.size(), MSG_DONTWAIT, from.pointer(), &from.size);
        if (count < 0 && (errno == ECONNREFUSED || errno == EINTR)) continue;
        if (count < 0) return;
        const Endpoint sender = from.endpoint();
        for (Target& target : targets_)
            if (target.secondary.endpoint == sender)
                takeReply(target, std::span<const uint8_t>(buffer).first(static_cast<size_t>(count)));
    }
}

void Notifier::takeReply(Target& target, std::span<const uint8_t> message) {
    if (message.size() < headerBytes) return;
    const auto id = static_cast<uint16_t>(message[0] << 8 | message[1]);
    const auto waiting = std::find_if(target.waiting.begin(), target.waiting.end(),
                                      [&](const Target::Waiting& asked) { return asked.id == id; });
    if (waiting == target.waiting.end()) return;
    const auto response = parseResponse(message);
    // Some servers leave the question out of an error.
    if (!response || (response->questionType != 0 && response->questionName != target.zone)) return;
    if (target.secondary.key) {
        TsigVerifier verifier(target.secondary.key, waiting->mac);
        const auto verified = verifier.receive(message, seconds());
        // An error about the key comes unsigned; it changes nothing but what is shown.
        if (!verified && response->rcode == rcode::noError) return;
    }
    const Target::Waiting asked = std::move(*waiting);
    target.waiting.erase(waiting);
    target.contactAt = clock_.now();
    const MonotonicMs now = clock_.monotonic();
    if (asked.kind == NotifySession::Send::notify) {
        const bool isNews = target.session.state().problem.empty();
        target.session.acknowledged(asked.serial, response->rcode, now);
        if (response->rcode != rcode::noError && isNews)
            logWarning("dns", "{} answers NOTIFY of {} with {}", target.secondary.endpoint.toText(),
                       target.zone.toText(), rcodeToText(response->rcode));
        return;
    }
    std::optional<uint32_t> serial;
    for (const ReceivedRecord& record : response->answers)
        if (record.type == type::soa && record.name == target.zone) serial = soaNumbersOf(record.data).serial;
    const bool isNews = !target.session.state().convergedAfterMs;
    target.session.answered(serial, response->rcode, now);
    if (const auto after = target.session.state().convergedAfterMs; isNews && after)
        logInfo("dns", "{} answers {} serial {}, {} ms after the change", target.secondary.endpoint.toText(),
                target.zone.toText(), *serial, *after);
}

}  // namespace swb::dns::transfer
