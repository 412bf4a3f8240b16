#include "dns/sign/signing_work.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace swb::dns::sign {
namespace {

constexpr size_t setsPerTurn = 64;  // a thread takes so many at a time

Result<void> signOne(SigningWork& work, NameView zone, UnixSeconds now, const SignaturePolicy& policy) {
    for (const SigningKey* key : work.missing)
        work.change.after->signatures.push_back(
            TRY(signSet(*key, work.change.name, zone, *work.change.after, now, policy)));
    work.missing.clear();
    return {};
}

}  // namespace

std::vector<const SigningKey*> keepSignatures(RecordSet& set, const std::vector<Rdata>& kept,
                                              const std::vector<SharedKey>& signers, UnixSeconds now,
                                              const SignaturePolicy& policy) {
    std::vector<const SigningKey*> missing;
    std::vector<Rdata> good;
    for (const SharedKey& key : signers) {
        const auto found = std::find_if(kept.begin(), kept.end(), [&](const Rdata& rrsig) {
            const auto signature = readSignature(rrsig, now);
            return signature && signature->isBy(*key) && signature->originalTtlSeconds == set.ttlSeconds &&
                   signature->inception <= now && signature->expiration - now > policy.refreshSeconds();
        });
        if (found == kept.end()) {
            missing.push_back(key.get());
        } else {
            good.push_back(*found);
        }
    }
    set.signatures = std::move(good);
    return missing;
}

Result<void> signAll(std::vector<SigningWork>& work, NameView zone, UnixSeconds now, const SignaturePolicy& policy,
                     unsigned threads) {
    const size_t turns = (work.size() + setsPerTurn - 1) / setsPerTurn;
    std::atomic<size_t> nextTurn{0};
    std::mutex mutex;
    Result<void> outcome;
    const auto sign = [&] {
        for (size_t turn = nextTurn++; turn < turns; turn = nextTurn++)
            for (size_t i = turn * setsPerTurn; i < std::min(work.size(), (turn + 1) * setsPerTurn); ++i) {
                auto done = signOne(work[i], zone, now, policy);
                if (done) continue;
                const std::lock_guard lock(mutex);
                outcome = std::move(done);
                nextTurn = turns;
                return;
            }
    };
    std::vector<std::thread> helpers;
    for (size_t i = 1; i < std::min<size_t>(threads, turns); ++i) helpers.emplace_back(sign);
    sign();
    for (std::thread& helper : helpers) helper.join();
    return outcome;
}

std::optional<UnixSeconds> refreshDue(const RecordSet& set, UnixSeconds now, const SignaturePolicy& policy) {
    std::optional<UnixSeconds> due;
    for (const Rdata& rrsig : set.signatures)
        if (const auto signature = readSignature(rrsig, now)) {
            const UnixSeconds own = signature->expiration - policy.refreshSeconds();
            due = due ? std::min(*due, own) : own;
        }
    return due;
}

}  // namespace swb::dns::sign
