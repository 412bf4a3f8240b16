#include "plan/check_list.h"

namespace swb::plan {
namespace {

constexpr int64_t stalePreflightMs = 300'000;  // it is made every minute
constexpr int64_t requestsNeeded = 50;         // one switch there and back, with its questions

std::string minutesAgo(UnixMs then, UnixMs now) {
    return std::to_string((now - then) / 60'000) + " min ago";
}

}  // namespace

void checkPublications(CheckList& list, const Snapshot& snapshot) {
    const auto addresses = answeredAddresses(snapshot.group, *snapshot.to);
    for (const PublicationView& view : snapshot.publications) {
        const std::string subject = view.key + " at " + view.provider;
        list.warnUnless(view.standing == "published", "publication", subject, "published: " + view.detail,
                        view.standing + (view.detail.empty() ? "" : ": " + view.detail),
                        view.hint.empty() ? "`swing publication check " + snapshot.group.name + "`" : view.hint);
        const bool fresh = view.checkedAt != 0 && snapshot.at - view.checkedAt <= stalePreflightMs;
        list.warnUnless(fresh && view.problem.empty(), "publication-preflight", subject,
                        "credential, mark and value are right, seen " + minutesAgo(view.checkedAt, snapshot.at),
                        !view.problem.empty() ? view.problem
                        : view.checkedAt      ? "last looked at " + minutesAgo(view.checkedAt, snapshot.at)
                                              : "not looked at yet",
                        view.problemHint.empty() ? "`swing publication check " + snapshot.group.name + "` looks now"
                                                 : view.problemHint);
        list.warnUnless(!addressesOfType(view.type, addresses).empty(), "publication-target", subject,
                        "the target has an address of this type",
                        snapshot.to->name + " has no " + std::string(nameOf(view.type)) +
                            " address: the name would stay at the old site",
                        "an empty set is never published: give it one, or remove the publication");
        if (view.requestsLeft >= 0)
            list.warnUnless(view.requestsLeft >= requestsNeeded, "publication-rate-limit", subject,
                            "the provider takes " + std::to_string(view.requestsLeft) + " more requests now",
                            "the provider takes only " + std::to_string(view.requestsLeft) + " more requests now",
                            "something else uses up this account's rate limit");
    }
}

void checkAddressTest(CheckList& list, const Snapshot& snapshot) {
    if (!snapshot.address.is_object()) return;
    const std::string age = ", seen " + minutesAgo(integerAt(snapshot.address, "at"), snapshot.at);
    const Json* warnings = memberAt(snapshot.address, "warnings");
    const bool none = !warnings || !warnings->is_array() || warnings->get_array().empty();
    if (none) list.add(Verdict::ok, "address-test", snapshot.group.address, "it is answered everywhere" + age, "");
    if (none) return;
    for (const Json& warning : warnings->get_array())
        list.add(Verdict::warning, "address-" + textAt(warning, "name"), textAt(warning, "subject"),
                 textAt(warning, "sentence") + age, textAt(warning, "hint"));
}

}  // namespace swb::plan
