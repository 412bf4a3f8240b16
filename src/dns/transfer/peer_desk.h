// Where messages between name servers are handled: signed queries, zone transfers, NOTIFY.
//
//     worker ─▶ handle(message) ─▶ TSIG checked ─▶ ordinary query: answer(), signed
//                                             ├─▶ AXFR, IXFR: access checked ─▶ a TransferStream for the TCP worker
//                                             └─▶ NOTIFY: access checked ─▶ notified(), which must not wait
//
// One desk for all workers of a server: it is only read, but for its keys and the count of running transfers. Nobody
// may transfer a zone or notify unless a rule lets them; a NOTIFY from anyone else is refused and never acted on.
#pragma once

#include <atomic>
#include <functional>

#include "base/clock.h"
#include "dns/peer_handler.h"
#include "dns/transfer/access.h"
#include "dns/transfer/key_files.h"
#include "dns/transfer/stream.h"
#include "dns/zone_freshness.h"

namespace swb::dns::transfer {

struct PeerSettings {
    TsigKeyring keys;
    std::vector<AccessRule> allowTransfer;
    size_t transfersMax = 8;  // at once; each holds its zone's snapshot and a table of 32 octets for each record set
    std::vector<AccessRule> allowNotify;
    std::vector<Name> followed;  // zones that this server gets from a primary: only for them a NOTIFY means something
    const ZoneFreshness* freshness = nullptr;  // as the server has it; outlives the desk
    // The zone's steps since a serial (ZoneJournal::changesSince); empty when it does not have them, or not set.
    std::function<ChangePointers(const Name& origin, uint32_t serial)> history;
    // A NOTIFY that was allowed. Called on a worker's thread.
    std::function<void(const Name& origin, const Endpoint& from)> notified;
};

class PeerDesk final : public PeerHandler {
  public:
    // The clock outlives the desk, the desk its streams.
    PeerDesk(PeerSettings settings, const Clock& clock)
        : settings_(std::move(settings)), clock_(clock), keys_(std::make_shared<const TsigKeyring>(settings_.keys)) {}

    // Other keys from now on, in the place of the settings'. Any thread.
    void setKeys(TsigKeyringPointer keys);

    size_t handle(std::span<const uint8_t> message, const Query& query, const Endpoint& client, const ZoneSet& zones,
                  std::span<uint8_t> out) override;
    TcpReply handleTcp(std::span<const uint8_t> message, const Query& query, const Endpoint& client,
                       const ZoneSet& zones, std::span<uint8_t> out) override;

    size_t transfersRunning() const { return running_.load(std::memory_order_relaxed); }

  private:
    class Transfer;
    struct Request;
    TcpReply handleRequest(const Request& request, std::span<uint8_t> out);
    TcpReply handleSigned(const Request& request, const TsigRecord& record, std::span<uint8_t> out);
    TcpReply handleVerified(const Request& request, std::optional<TsigSigner> signer, std::span<uint8_t> out);
    size_t answerNotify(const Request& request, const Name* key, std::span<uint8_t> out) const;
    TcpReply startTransfer(const Request& request, std::optional<TsigSigner>& signer, std::span<uint8_t> out);
    std::optional<Content> chooseContent(const Request& request, const ZonePointer& zone) const;
    TsigKeyringPointer keys() const;
    void logRefusal(const std::string& text);
    UnixSeconds now() const { return static_cast<UnixSeconds>(clock_.now() / 1000); }

    const PeerSettings settings_;
    const Clock& clock_;
    mutable std::mutex keysMutex_;
    TsigKeyringPointer keys_;
    std::atomic<size_t> running_{0};
    std::atomic<MonotonicMs> nextRefusalLogAt_{0};
};

}  // namespace swb::dns::transfer
