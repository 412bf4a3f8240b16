// Tells secondaries about changes (RFC 1996) and watches until they have them. One thread, two sockets.
//
//     zoneChanged(zone) ─▶ a NotifySession for each secondary ─▶ NOTIFY, SOA queries ─▶ states()
//
// Whom it tells: notify_set.h. Signed when there is a key. It never holds up a publication: zoneChanged() only wakes
// the thread, and addresses of name servers elsewhere are looked up by another (foreign_servers.h).
#pragma once

#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/fd.h"
#include "dns/address.h"
#include "dns/transfer/foreign_servers.h"
#include "dns/transfer/notify_session.h"
#include "dns/transfer/notify_set.h"

namespace swb::dns::transfer {

struct NotifierSettings {
    NotifyRules rules;
    std::vector<IpAddress> from;  // to send from, one of each family; a secondary may know us by it
    LookUp lookUp;                // of name servers whose names are in none of the zones; null: they are not told
    LookUpTiming lookUpTiming;
};

struct SecondaryState {
    Name zone;
    Endpoint endpoint;
    uint32_t newest = 0;  // serial of the zone here
    NotifySession::State session;
    UnixMs lastContactAt = 0;  // of the last reply; 0: none yet
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
        UnixMs contactAt = 0;
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
    void setTargets(const ZonePointer& zone);
    void addressesChanged();
    std::vector<IpAddress> addressesOf(const Name& server) const;
    void wake() const;
    UnixSeconds seconds() const { return static_cast<UnixSeconds>(clock_.now() / 1000); }

    const NotifierSettings settings_;
    const Clock& clock_;
    mutable std::mutex mutex_;
    std::unordered_map<Name, ZonePointer, NameHash, NameEqual> zones_;  // as they were told of last
    std::vector<Target> targets_;
    bool stopping_ = false;
    Fd ipv4_, ipv6_, wake_;
    std::unique_ptr<ForeignServers> foreign_;
    std::thread thread_;
};

}  // namespace swb::dns::transfer
