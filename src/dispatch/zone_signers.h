// DNSSEC of all zones of this controller: a signer for each, work on them in the background, and the parent's answer.
//
//     Publisher ──hook()──────────────▶ Signer::sign          every change, before it is published
//     thread ────maintain, publish────▶ Publisher::change     each minute, and at once after a command
//     thread ────DS at the parent─────▶ Signer::parentShows   while a stage waits for it
//
// A zone whose keys cannot be read is not published to any more: unsigned or badly signed answers are worse than the
// last good ones, which go on being answered (I11).
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "dispatch/publisher.h"
#include "dns/sign/signer.h"

namespace swb::dispatch {

struct ZoneSigningSettings {
    std::string directory;  // of the key files
    std::vector<dns::Name> zones;
    // A zone without a key file is signed from the start; one that was disabled since stays so.
    std::optional<dns::sign::Algorithm> enableWith;
    dns::sign::KeyLayout layout = dns::sign::KeyLayout::split;
    std::vector<dns::Endpoint> resolvers;  // to see the parent's DS; none: an operator says when it is done
    dns::sign::SignerPolicy policy;
};

class ZoneSigners {
  public:
    static Result<std::unique_ptr<ZoneSigners>> open(ZoneSigningSettings settings, const crypto::Sealer& sealer,
                                                     const Clock& clock);
    ~ZoneSigners();
    ZoneSigners(const ZoneSigners&) = delete;

    // For Publisher::setSigner; valid as long as this object.
    Publisher::Signer hook();
    // Begins the work in the background. The publisher outlives stop().
    void start(Publisher& publisher);
    void stop();
    // Something was commanded: the work begins now instead of within the minute.
    void wake();
    // One round of work on every zone, as the thread does it.
    void work(Publisher& publisher);

    // NotFound for a zone that is none of ours; its own error when its keys could not be read.
    Result<dns::sign::Signer*> find(std::string_view zone) const;

  private:
    struct Entry {
        std::unique_ptr<dns::sign::Signer> signer;  // null: see error
        std::optional<Error> error;
        int64_t parentAskedAt = 0;
    };

    ZoneSigners(ZoneSigningSettings settings, const Clock& clock) : settings_(std::move(settings)), clock_(clock) {}
    void run(Publisher& publisher);
    Result<void> maintain(Publisher& publisher, dns::sign::Signer& signer) const;
    void lookAtParent(Entry& entry) const;
    const Entry* entryOf(dns::NameView zone) const;

    const ZoneSigningSettings settings_;
    const Clock& clock_;
    std::map<std::string, Entry> entries_;  // by the zone's lower-case text; the set of zones never changes
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool isStopping_ = false;
    bool isWoken_ = false;
    std::thread thread_;
};

}  // namespace swb::dispatch
