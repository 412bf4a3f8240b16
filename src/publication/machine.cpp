#include "publication/machine.h"

#include <algorithm>

#include "base/assert.h"

namespace swb::publication {
namespace {

std::string joined(const std::vector<std::string>& values) {
    std::string out;
    for (const std::string& value : values) out += (out.empty() ? "" : ", ") + value;
    return out;
}

}  // namespace

Machine::Machine(Publication publication, Record record, bool readsBack, MachineTiming timing)
    : publication_(std::move(publication)), record_(std::move(record)), readsBack_(readsBack), timing_(timing) {}

Result<bool> Machine::want(const Target& target, UnixMs now) {
    if (record_.wanted && target.epoch < record_.wanted->epoch)
        return fail(ErrorCode::EpochOld, publication_.key() + " is wanted at epoch " +
                                             std::to_string(record_.wanted->epoch) + " already, not " +
                                             std::to_string(target.epoch));
    if (target.set.values.empty())
        return fail(ErrorCode::NotReady,
                    publication_.key() + ": the application that is to be current has no address of this type",
                    "an empty set is never published: give it one, or remove this publication");
    if (record_.wanted == target) return false;
    record_.wanted = target;
    attempts_ = agreed_ = 0;
    retryMs_ = 0;
    confirming_ = false;
    enter(Standing::intended, "to be published", "", now);
    return true;
}

void Machine::adopt(std::string replaceMark) {
    adopting_ = true;
    replaceMark_ = std::move(replaceMark);
}

void Machine::enter(Standing standing, std::string detail, std::string hint, UnixMs now) {
    if (record_.standing == standing && record_.detail == detail) return;
    if (record_.standing != standing) record_.standingAt = now;
    record_.standing = standing;
    record_.detail = std::move(detail);
    record_.hint = std::move(hint);
    changed_ = true;
}

Action Machine::resume(const Event& event, UnixMs now) {
    if (!record_.wanted) return action::Rest{};
    if (std::holds_alternative<event::Begin>(event)) return begin(now);
    if (const auto* read = std::get_if<event::ReadDone>(&event)) return onReading(read->reading, now);
    if (const auto* done = std::get_if<event::ReplaceDone>(&event)) return onReplaced(done->change, now);
    if (const auto* sync = std::get_if<event::SyncDone>(&event)) return onSync(sync->inSync, now);
    if (const auto* asked = std::get_if<event::SurveyDone>(&event)) return onSurvey(asked->survey, now);
    if (std::holds_alternative<event::Waited>(event)) return std::exchange(afterWait_, action::Rest{});
    SWB_ASSERT(reading_ && record_.intent, "the journal is written for a change that was read for");
    return action::Replace{*reading_, {record_.wanted->set, {record_.wanted->group, record_.wanted->epoch}}};
}

Action Machine::rewrite() {
    if (record_.standing != Standing::published) return action::Rest{};
    rewriting_ = true;
    return action::Read{};
}

// Nothing else than what is there is ever written by this.
Action Machine::onReadingToRewrite(const Result<Reading>& reading, UnixMs now) {
    if (!reading) return rewritten(reading.error().message, now);
    if (whyNotOurs(*reading) || !isThere(*reading)) {
        rewriting_ = false;  // the pre-flight says what is wrong; it is no word on the credential
        return action::Rest{};
    }
    reading_ = *reading;
    record_.intent = Intent{record_.wanted->epoch, reading->set, record_.wanted->set, now, true};
    changed_ = true;
    return action::Journal{};
}

Action Machine::rewritten(std::string problem, UnixMs now) {
    rewriting_ = false;
    if (record_.intent) record_.intent->open = false;
    record_.writtenAt = now;
    record_.writeProblem = std::move(problem);
    changed_ = true;
    return action::Rest{};
}

bool Machine::isThere(const Reading& reading) const {
    const Target& wanted = *record_.wanted;
    return reading.set == wanted.set && reading.mark == Mark{wanted.group, wanted.epoch};
}

Action Machine::begin(UnixMs now) {
    rewriting_ = false;
    attempts_ = agreed_ = 0;
    phaseAt_ = now;
    // Taken by the provider before the controller stopped: what is left is to look.
    if (record_.standing == Standing::submitted && record_.published == record_.wanted)
        return action::AskSync{record_.change};
    return action::Read{};
}

std::optional<Error> Machine::whyNotOurs(const Reading& reading) const {
    const std::string& group = record_.wanted->group;
    if (!reading.strange.empty())
        return Error(ErrorCode::NotOwned, publication_.name + " is not taken: " + reading.strange,
                     "one plain record set is published; remove what is in its way");
    if (!reading.mark && !adopting_)
        return Error(ErrorCode::NotOwned, publication_.name + " carries no ownership mark",
                     "`swing publication adopt` takes it over");
    if (reading.mark && reading.mark->group != group && reading.mark->group != replaceMark_)
        return Error(
            ErrorCode::NotOwned, publication_.name + " belongs to the group " + reading.mark->group.substr(0, 64),
            "`swing publication adopt --take-over " + reading.mark->group.substr(0, 64) + "` if that group is gone");
    if (reading.mark && reading.mark->group == group && reading.mark->epoch > record_.wanted->epoch)
        return Error(ErrorCode::EpochOld,
                     publication_.name + " was written for epoch " + std::to_string(reading.mark->epoch) +
                         ", newer than " + std::to_string(record_.wanted->epoch),
                     "another controller has switched the group: restore this controller's newest backup");
    return std::nullopt;
}

Action Machine::onReading(const Result<Reading>& reading, UnixMs now) {
    if (rewriting_) return onReadingToRewrite(reading, now);
    if (!reading) {
        // Before a call nothing has happened; after one it may have.
        const bool called = record_.intent && record_.intent->open;
        return later(called ? Standing::unknown : Standing::failed, reading.error(), now);
    }
    reading_ = *reading;
    if (auto problem = whyNotOurs(*reading)) {
        confirming_ = false;
        enter(Standing::conflict, problem->message, problem->hint, now);
        return action::Rest{};
    }
    const Target& wanted = *record_.wanted;
    if (isThere(*reading)) return taken("", now);
    if (std::exchange(confirming_, false)) ++attempts_;
    if (attempts_ >= timing_.attempts) {
        enter(Standing::conflict, publication_.key() + " changes under our hands: somebody else writes it",
              "find the other tool, then `swing run retry` or `swing publication check`", now);
        return action::Rest{};
    }
    record_.intent = Intent{wanted.epoch, reading->set, wanted.set, now, true};
    record_.change.clear();
    enter(Standing::intended,
          (reading->set ? joined(reading->set->values) : "nothing") + " to become " + joined(wanted.set.values), "",
          now);
    changed_ = true;
    return action::Journal{};
}

Action Machine::onReplaced(const Result<std::string>& change, UnixMs now) {
    if (rewriting_ && !change && change.error().code == ErrorCode::Conflict) {
        // Somebody else came first: no word on the credential, and another time will do.
        rewriting_ = record_.intent->open = false;
        changed_ = true;
        return action::Rest{};
    }
    if (rewriting_) return rewritten(change ? "" : change.error().message, now);
    if (change) {
        record_.writtenAt = now;
        record_.writeProblem.clear();
        if (!readsBack_) return taken(*change, now);
        confirming_ = true;
        return action::Read{};
    }
    const Error& error = change.error();
    if (error.code == ErrorCode::OutcomeUnknown) {
        enter(Standing::unknown, error.message, "it is read back; nothing is repeated before", now);
        retryMs_ = std::clamp(retryMs_ * 2, timing_.settleMs, std::max(timing_.settleMs, timing_.retryMostMs));
        afterWait_ = action::Read{};
        return action::Wait{retryMs_};
    }
    record_.intent->open = false;
    if (error.code == ErrorCode::Conflict) {
        ++attempts_;
        enter(Standing::intended, error.message, "", now);
        return action::Read{};
    }
    return later(Standing::failed, error, now);
}

// The provider has it. A change that was found by reading has no id to ask for.
Action Machine::taken(std::string change, UnixMs now) {
    confirming_ = false;
    adopting_ = false;
    attempts_ = agreed_ = 0;
    retryMs_ = 0;
    phaseAt_ = now;
    if (record_.intent) record_.intent->open = false;
    record_.published = record_.wanted;
    record_.change = std::move(change);
    changed_ = true;
    if (record_.change.empty()) {
        enter(Standing::verifying, "the name servers are asked", "", now);
        return action::AskServers{};
    }
    enter(Standing::submitted, "the provider has taken it and is not in sync yet", "", now);
    return action::AskSync{record_.change};
}

Action Machine::onSync(const Result<bool>& inSync, UnixMs now) {
    if (inSync && *inSync) {
        phaseAt_ = now;
        enter(Standing::verifying, "in sync; the name servers are asked", "", now);
        return action::AskServers{};
    }
    if (now - phaseAt_ > timing_.syncMs) {
        // Whatever the provider says: the name servers have the last word.
        phaseAt_ = now;
        enter(Standing::verifying, inSync ? "the provider is not in sync yet" : inSync.error().message, "", now);
        return action::AskServers{};
    }
    afterWait_ = action::AskSync{record_.change};
    return action::Wait{timing_.syncPollMs};
}

Action Machine::onSurvey(const Result<Survey>& survey, UnixMs now) {
    if (!survey) return surveyAgain(now, survey.error().message);
    survey_ = *survey;
    if (!survey->agrees(record_.wanted->set)) return surveyAgain(now, survey->dissent(record_.wanted->set));
    if (++agreed_ < 2) {
        afterWait_ = action::AskServers{};
        return action::Wait{timing_.surveyPauseMs};
    }
    const auto asked = std::count_if(survey->answers.begin(), survey->answers.end(),
                                     [](const ServerAnswer& answer) { return answer.asked; });
    enter(Standing::published,
          joined(record_.wanted->set.values) + " answered " + std::to_string(asked / 2) +
              (asked / 2 == 1 ? " time over UDP and TCP" : " times over UDP and TCP") + ", twice",
          "", now);
    return action::Rest{};
}

Action Machine::surveyAgain(UnixMs now, const std::string& dissent) {
    agreed_ = 0;
    afterWait_ = action::AskServers{};
    if (now - phaseAt_ < timing_.verifyMs) return action::Wait{timing_.surveyPauseMs};
    enter(Standing::partial, dissent, "users of these name servers still go to the old site", now);
    return action::Wait{timing_.slowMs};
}

Action Machine::later(Standing standing, const Error& error, UnixMs now) {
    enter(standing, error.message, error.hint, now);
    retryMs_ = std::clamp(retryMs_ * 2, timing_.retryFirstMs, timing_.retryMostMs);
    afterWait_ = action::Read{};
    return action::Wait{retryMs_};
}

}  // namespace swb::publication
