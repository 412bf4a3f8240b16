// Tells secondaries about changes (RFC 1996) and watches until they have them. One thread, two sockets.
//
//     zoneChanged(zone) ─▶ a NotifySession for each secondary ─▶ NOTIFY, SOA queries ─▶ states()
//
// The secondaries of a zone: its NS set without the primary (MNAME), as far as their addresses are in the zone, and a
// configured list. Signed when there is a key. It never holds up a publication: zoneChanged() only wakes the thread.
#pragma once

#include <map>
#include <mutex>
#include <thread>

#include "base/fd.h"
#include "dns/address.h"
#include "dns/transfer/notify_session.h"
#include "dns/tsig.h"
#include "dns/zone.h"

namespace swb::dns::transfer {

constexpr size_t secondariesMax = 64;  // of a zone

struct Secondary {
    Endpoint endpoint;
    TsigKeyPointer key;  // null: unsigned
};

struct NotifierSettings {
    std::vector<Secondary> also;    // for every zone
    bool notifyNameServers = true;  // the NS set
    TsigKeyPointer nameServerKey;   // signs what goes to the NS set; null: unsigned
    std::vector<IpAddress> own;     // the server's own addresses: never told
    std::vector<IpAddress> from;    // to send from, one of each family; a secondary may know us by it
};

struct SecondaryState {
    Name zone;
    Endpoint endpoint;
    NotifySession::State session;
};

class Notifier {
  public:
    static Result<std::unique_ptr<Notifier>> start(NotifierSettings settings, const Clock& clock);
    ~Notifier();
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;

    // Any thread.
    void zoneChanged(const ZonePointer& zone);
    std::vector<SecondaryState> states() const;
    void stop();

  private:
    struct Target {
        Name zone;
        Secondary secondary;
        NotifySession session;
        struct Waiting {
            uint16_t id = 0;
            NotifySession::Send kind = NotifySession::Send::nothing;
            uint32_t serial = 0;
            std::vector<uint8_t> mac;
        };
        std::vector<Waiting> waiting;  // the last few questions, for their replies
        Rdata soa;
        uint32_t soaTtlSeconds = 0;
    };

    Notifier(NotifierSettings settings, const Clock& clock);
    Result<void> openSockets();
    void run();
    int64_t sendDue();
    void send(Target& target, NotifySession::Send kind);
    void receive(int socket);
    void takeReply(Target& target, std::span<const uint8_t> message);
    std::vector<Secondary> secondariesOf(const ZoneSnapshot& zone) const;
    UnixSeconds seconds() const { return static_cast<UnixSeconds>(clock_.now() / 1000); }

    const NotifierSettings settings_;
    const Clock& clock_;
    mutable std::mutex mutex_;
    std::vector<Target> targets_;
    bool stopping_ = false;
    Fd ipv4_, ipv6_, wake_;
    std::thread thread_;
};

}  // namespace swb::dns::transfer
