// Publication elsewhere: a failover address in a zone that another provider serves (DNS.md §3, F52).
//
//     Target ──► Machine (pure: what next?) ──► read, journal, replace, ask for sync, survey ──► Standing
//                                                  │ Provider: rfc2136, powerdns, cloudflare, route53
//
// One publication owns one record set (a name and a type, A or AAAA) and, beside it, a mark: the TXT record
// `_swingbridge-owner.<name>` with the group and the epoch that the set was written for. Set and mark change together
// in one call. Who calls in: dispatch/publications, which keeps the journal and the threads.
//
// A provider must never: touch another name or type, write an empty set, remove in one call what it adds in another,
// repeat a call whose outcome it does not know, or show a credential in a message.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/secret.h"
#include "model/publication.h"

namespace swb::publication {

struct RecordSet {
    uint32_t ttlSeconds = 0;
    std::vector<std::string> values;  // addresses in canonical text, sorted, each once

    bool operator==(const RecordSet&) const = default;
};

// Canonical text and order; addresses that are not of this type are an error.
Result<std::vector<std::string>> canonicalValues(AddressType type, std::vector<std::string> values);

struct Mark {
    std::string group;  // fg-…
    int64_t epoch = 0;

    std::string text() const;  // "swingbridge group=fg-… epoch=7"
    bool operator==(const Mark&) const = default;
};
std::optional<Mark> markFromText(std::string_view text);
// "_swingbridge-owner.www.shop.example"
std::string markNameOf(std::string_view name);
constexpr uint32_t markTtlSeconds = 300;

// What is there now. `token` is what the provider needs to replace exactly this and nothing newer.
struct Reading {
    std::optional<RecordSet> set;
    std::optional<Mark> mark;
    std::string strange;  // why the name cannot be ours whatever the mark says: an alias, a proxy, a foreign TXT record
    Json token;
    std::optional<int64_t> requestsLeft;  // head-room of the provider's rate limit, where it says so
};

struct Wanted {
    RecordSet set;
    Mark mark;
};

// Errors of read(): any. Errors of replace() say what is known:
//   Conflict        it is not what was read any more; nothing was changed
//   OutcomeUnknown  it may have happened or may happen yet: read before anything else
//   every other     nothing was changed
class Provider {
  public:
    virtual ~Provider() = default;

    virtual Result<Reading> read() = 0;
    // Answers the change's id for inSync(); empty where the provider has no such thing. Precondition: a set that is not
    // empty.
    virtual Result<std::string> replace(const Reading& seen, const Wanted& wanted) = 0;
    // Takes the ownership mark away, and nothing else: the address record set stays as it is. Errors as of replace().
    virtual Result<void> withdraw(const Reading& seen) = 0;
    virtual Result<bool> inSync(const std::string& change);
    // Whether replace() is refused by the provider itself when another writer came first.
    virtual bool comparesAndSets() const = 0;
};

// The shortest TTL that a provider takes.
uint32_t ttlMinOf(ProviderKind kind);

struct ProviderSettings {
    Publication publication;
    Secret credential;
    std::string authorityPem;  // trusted instead of the system's authorities; empty: those
    int64_t timeoutMs = 10'000;
    const std::atomic<bool>* stop = nullptr;  // set: calls end soon
};

Result<std::unique_ptr<Provider>> makeProvider(ProviderSettings settings);

}  // namespace swb::publication
