#include "dns/sign/roll_machine.h"

#include <algorithm>

namespace swb::dns::sign {
namespace {

bool isRolled(Rolled rolled, KeyRole role) {
    switch (rolled) {
        case Rolled::nothing:
            return false;
        case Rolled::zsk:
            return role == KeyRole::zsk;
        case Rolled::ksk:
            return role == KeyRole::ksk;
        case Rolled::csk:
            return role == KeyRole::csk;
        case Rolled::every:
            break;
    }
    return true;
}

RollDecision unchanged(const RollState& state) {
    return {state, false, KeyAction::nothing, Rolled::nothing};
}

RollDecision enter(const RollState& state, Stage stage, KeyAction action, UnixSeconds now) {
    RollDecision decision;
    decision.state = state;
    decision.state.stage = stage;
    decision.state.enteredAt = now;
    decision.state.inPlaceAt = 0;
    if (rowOf(stage).wait == Wait::forever) decision.state.zoneTtlSeconds = 0;  // a new roll-over measures anew
    decision.isNewStage = true;
    decision.action = action;
    return decision;
}

RollDecision enterNext(const RollState& state, UnixSeconds now) {
    const StageRow& row = rowOf(state.stage);
    return enter(state, row.next, row.atEnd, now);
}

tl::unexpected<Error> notNow(Command command, Stage stage) {
    const StageRow& row = rowOf(stage);
    std::string hint = "wait until it is steady; swing zone dnssec status shows what it waits for";
    if (stage == Stage::unsignedZone) hint = "enable DNSSEC first";
    if (stage == Stage::steady && command == Command::enable) hint = "it is enabled already";
    return fail(ErrorCode::RunState,
                "the DNSSEC command \"" + std::string(nameOf(command)) + "\" is not possible in the stage " +
                    std::string(row.name) + ": " + std::string(row.sentence),
                std::move(hint));
}

Result<RollDecision> obey(const RollState& state, Command command, UnixSeconds now) {
    const StageRow& row = rowOf(state.stage);
    if (command == Command::disableNow && state.stage != Stage::unsignedZone)
        return enter(state, Stage::unsignedZone, KeyAction::dropAll, now);
    if (command == Command::cancel && row.onCancel) {
        const bool isUnsigned = *row.onCancel == Stage::unsignedZone;
        return enter(state, *row.onCancel, isUnsigned ? KeyAction::dropAll : KeyAction::dropSuccessors, now);
    }
    if (command == Command::parentDone && row.wait == Wait::parent && state.inPlaceAt != 0)
        return enterNext(state, now);
    for (const StartRow& start : startTable()) {
        if (start.command != command || start.from != state.stage) continue;
        RollDecision decision = enter(state, start.to, KeyAction::nothing, now);
        decision.generate = command == Command::enable ? Rolled::every : rowOf(start.to).rolled;
        return decision;
    }
    return notNow(command, state.stage);
}

}  // namespace

Result<RollDecision> advance(const RollState& state, const RollEvent& event, UnixSeconds now,
                             const RollTiming& timing) {
    switch (event.kind) {
        case RollEvent::Kind::command:
            return obey(state, event.command, now);
        case RollEvent::Kind::inPlace: {
            RollDecision decision = unchanged(state);
            if (state.inPlaceAt != 0) return decision;
            // What caches hold from the stage before may have had a longer TTL than what is there now.
            decision.state.zoneTtlSeconds = std::max(state.zoneTtlSeconds, event.ttlSeconds);
            decision.state.inPlaceAt = now;
            return decision;
        }
        case RollEvent::Kind::parentAgrees: {
            if (rowOf(state.stage).wait != Wait::parent || state.inPlaceAt == 0) return unchanged(state);
            RollDecision decision = enterNext(state, now);
            decision.state.parentTtlSeconds = std::max(state.parentTtlSeconds, event.ttlSeconds);
            return decision;
        }
        case RollEvent::Kind::time:
            break;
    }
    const auto deadline = deadlineOf(state, timing);
    return deadline && now >= *deadline ? enterNext(state, now) : unchanged(state);
}

std::optional<UnixSeconds> deadlineOf(const RollState& state, const RollTiming& timing) {
    if (state.inPlaceAt == 0) return std::nullopt;
    switch (rowOf(state.stage).wait) {
        case Wait::forever:
        case Wait::parent:
            return std::nullopt;
        case Wait::zoneTtl:
            return state.inPlaceAt + state.zoneTtlSeconds + timing.spreadSeconds;
        case Wait::keysTtl:
            return state.inPlaceAt + timing.keysTtlSeconds + timing.spreadSeconds;
        case Wait::parentTtl:
            break;
    }
    const uint32_t ttl = state.parentTtlSeconds ? state.parentTtlSeconds : timing.parentTtlSeconds;
    return state.inPlaceAt + ttl + timing.parentSpreadSeconds;
}

KeyUsage usageOf(Stage stage, KeyRole role, bool isSuccessor) {
    const StageRow& row = rowOf(stage);
    if (stage == Stage::unsignedZone) return {};
    KeyUsage usage{true, true, true};
    if (isRolled(row.rolled, role)) usage = isSuccessor ? row.successor : row.current;
    usage.signsKeys &= signsKeys(role);
    usage.signsZone &= signsZone(role);
    return usage;
}

}  // namespace swb::dns::sign
