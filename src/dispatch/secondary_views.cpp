#include "dispatch/secondary_views.h"

#include "dispatch/zone_composition.h"
#include "dns/serial.h"

namespace swb::dispatch {
namespace {

using dns::transfer::SecondaryState;
using plan::SecondaryStanding;

constexpr int silentAfter = 3;  // messages in a row: single packets get lost

SecondaryStanding standingOf(const SecondaryState& state) {
    const auto& session = state.session;
    if (session.unanswered >= silentAfter) return SecondaryStanding::silent;
    if (session.seen == state.newest) return SecondaryStanding::inSync;
    const bool isAhead = session.seen && dns::isNewerSerial(*session.seen, state.newest);
    return isAhead ? SecondaryStanding::ahead : SecondaryStanding::behind;
}

plan::SecondaryView viewOf(const SecondaryState& state, const Clock& clock) {
    plan::SecondaryView view;
    view.address = state.endpoint.toText();
    view.zone = documentText(state.zone);
    view.standing = standingOf(state);
    view.serial = state.session.seen;
    view.newest = state.newest;
    view.newestForMs = clock.monotonic() - state.session.changedAt;
    view.lastContactAt = state.lastContactAt;
    if (view.standing == SecondaryStanding::silent)
        view.lastError = std::to_string(state.session.unanswered) + " messages in a row were not answered";
    else
        view.lastError = state.session.serialProblem.empty() ? state.session.problem : state.session.serialProblem;
    return view;
}

}  // namespace

std::vector<plan::SecondaryView> SecondaryViews::ofZone(dns::NameView origin) const {
    std::vector<plan::SecondaryView> views;
    if (!states_) return views;
    const std::vector<SecondaryState> states = states_();
    for (const SecondaryState& state : states)
        if (state.zone.view() == origin) views.push_back(viewOf(state, clock_));
    return views;
}

std::vector<plan::SecondaryView> SecondaryViews::ofAddress(const std::string& address) const {
    const auto name = dns::Name::fromText(address);
    const std::vector<dns::Name> origins = publisher_.origins();
    const dns::Name* longest = nullptr;
    for (const dns::Name& origin : origins)
        if (name && name->view().isAtOrBelow(origin) && (!longest || origin.view().size() > longest->view().size()))
            longest = &origin;
    return longest ? ofZone(*longest) : std::vector<plan::SecondaryView>();
}

}  // namespace swb::dispatch
