// How long DNSSEC takes where it is in the way: signing one switch (address, epoch mark, SOA), and what it costs to
// enable it, to look for work, and to sign and apply a switch in a zone of many names.
//     swb_dnssec_bench [names]     100,000 unless told
#include <fmt/core.h>

#include <cstdlib>
#include <thread>

#include "base/clock.h"
#include "dns/sign/change_signing.h"
#include "dns/sign/key_ring.h"

namespace {

using namespace swb;
using namespace swb::dns;
using namespace swb::dns::sign;

constexpr UnixSeconds now = 1'800'000'000;
constexpr int switches = 1000;

template <typename T>
T need(Result<T> result) {
    if (result) return std::move(*result);
    fmt::print(stderr, "{}\n", describe(result.error()));
    std::exit(1);
}

Name nameOfGroup(int number) {
    return need(Name::fromText(fmt::format("g{}.fo.example", number)));
}

FailoverAddress group(int number, int64_t epoch) {
    const std::string address = fmt::format("10.{}.{}.{}", epoch % 250, number / 250 % 250, number % 250 + 1);
    return {fmt::format("g{}", number), epoch, nameOfGroup(number), 60, {need(IpAddress::fromText(address))}};
}

ZonePointer zoneOf(int names) {
    ZoneDefinition zone;
    zone.origin = need(Name::fromText("fo.example"));
    zone.nameServers = {{need(Name::fromText("ns1.fo.example")), {need(IpAddress::fromText("192.0.2.1"))}}};
    for (int number = 0; number < names; ++number) zone.addresses.push_back(group(number, 1));
    return need(ZoneSnapshot::build(std::move(zone)));
}

struct Spent {
    double draftMs = 0, signMs = 0, applyMs = 0;
};

// Medians would hide what a busy machine adds; means are what a queue of switches feels.
Spent switchMany(ZonePointer zone, const KeySet& keys, int names) {
    Spent spent;
    for (int i = 0; i < switches; ++i) {
        const double start = preciseMs();
        ZoneEdits edits;
        edits.addresses = {group(static_cast<int>(static_cast<int64_t>(i) * 7919 % names), i + 2)};
        ZoneChange change = need(zone->draft(edits));
        const double drafted = preciseMs();
        change = need(signChange(*zone, std::move(change), keys, now));
        const double signedAt = preciseMs();
        zone = need(zone->with(change));
        spent.draftMs += (drafted - start) / switches;
        spent.signMs += (signedAt - drafted) / switches;
        spent.applyMs += (preciseMs() - signedAt) / switches;
    }
    return spent;
}

void measure(Algorithm algorithm, int names) {
    RollDecision begin;
    begin.generate = Rolled::every;
    begin.state.stage = Stage::steady;
    begin.state.inPlaceAt = now;
    const KeyRing ring = need(follow({}, begin, algorithm, true, now));
    ZonePointer zone = zoneOf(names);
    const KeySet keys = keySetOf(ring, zone->origin(), 3600, {});
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    double signMs = 0, applyMs = 0;
    size_t changes = 0, sets = 0;
    for (;; ++changes) {
        const double start = preciseMs();
        const Upkeep found = need(upkeep(*zone, keys, now, {UpkeepLimits{}.setsMax, cores}));
        const double signedAt = preciseMs();
        if (found.change.isEmpty()) {
            fmt::print(
                "{}: whole zone of {} names: {} sets in {} changes, signed in {:.2f} s on {} cores, applied in "
                "{:.2f} s; a look that finds nothing {:.0f} ms\n",
                nameOf(algorithm), names, sets, changes, signMs / 1000, cores, applyMs / 1000, signedAt - start);
            break;
        }
        zone = need(zone->with(found.change));
        sets += found.change.sets.size();
        signMs += signedAt - start;
        applyMs += preciseMs() - signedAt;
    }
    const Spent spent = switchMany(zone, keys, names);
    fmt::print("{}: one switch: drafted in {:.3f} ms, signed (A, TXT, SOA) in {:.3f} ms, applied in {:.3f} ms\n",
               nameOf(algorithm), spent.draftMs, spent.signMs, spent.applyMs);
}

}  // namespace

int main(int count, char** arguments) {
    const int names = count > 1 ? std::atoi(arguments[1]) : 100'000;
    if (names < 1 || names > 100'000) {
        fmt::print(stderr, "usage: {} [1 … 100000 names]\n", arguments[0]);
        return 2;
    }
    for (const Algorithm algorithm : {Algorithm::ecdsaP256Sha256, Algorithm::ed25519}) measure(algorithm, names);
    return 0;
}
