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
    // A zone without a key file is signed from the start; one that was disabled since stays so.
    std::optional<dns::sign::Algorithm> enableWith;
    dns::sign::KeyLayout layout = dns::sign::KeyLayout::split;
    std::vector<dns::Endpoint> resolvers;  // to see the parent's DS; none: an operator says when it is done
    dns::sign::SignerPolicy policy;
};

class ZoneSigners {
  public:
    ZoneSigners(ZoneSigningSettings settings, const crypto::Sealer& sealer, const Clock& clock)
        : settings_(std::move(settings)), sealer_(sealer), clock_(clock) {}
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

    // The signer of a zone of the publisher, made when it is asked for first. An error when its keys cannot be read.
    Result<dns::sign::Signer*> signerOf(const dns::Name& zone);

  private:
    void run(Publisher& publisher);
    Result<void> maintain(Publisher& publisher, dns::sign::Signer& signer);
    void lookAtParent(dns::sign::Signer& signer);
    Result<std::unique_ptr<dns::sign::Signer>> open(const dns::Name& zone) const;
    bool isStopping() const;

    const ZoneSigningSettings settings_;
    const crypto::Sealer& sealer_;
    const Clock& clock_;
    mutable std::mutex mutex_;
    std::map<std::string, std::unique_ptr<dns::sign::Signer>> signers_;  // by the zone's lower-case text; only added to
    std::map<std::string, MonotonicMs> parentAskedAt_;                   // of the thread
    std::condition_variable changed_;
    bool isStopping_ = false;
    bool isWoken_ = false;
    std::thread thread_;
};

}  // namespace swb::dispatch
