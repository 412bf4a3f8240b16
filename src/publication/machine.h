// The safe way to change a record set that somebody else serves, as a state machine without I/O and without a clock:
//
//     want(target) ─► read ─► ours? ─► journal(intent) ─► replace ─┬─► [sync…] ─► survey ×2 ─► published | partial
//                      ▲        └─► conflict                       ├─ Conflict ─► read
//                      │                                           ├─ OutcomeUnknown ─► wait ─► read: there it is, or
//                      not └───────────────────────────────────────────┴─ other ─► failed, again later
//
// resume(event) answers the next action; the caller performs it and comes back with its result. Every action that says
// `journal` first has the record to be stored: nothing is called before that is on disk.
// Never: an older epoch over a newer one, an empty set, a repeated call without a look in between.
#pragma once

#include <variant>

#include "publication/record.h"
#include "publication/survey.h"

namespace swb::publication {

struct MachineTiming {
    int64_t settleMs = 3000;  // a request whose answer was lost may still arrive: look again only after this
    int64_t syncPollMs = 1000;
    int64_t syncMs = 120'000;  // Route 53 says that most changes are in sync within 60 s
    int64_t surveyPauseMs = 1000;
    int64_t verifyMs = 60'000;  // then it is called partial, and asked more slowly
    int64_t slowMs = 15'000;
    int64_t retryFirstMs = 1000, retryMostMs = 60'000;
    int attempts = 3;  // of a change that others get in the way of
};

namespace event {
struct Begin {};  // a target was wanted, or the controller started, or an operator asks for another try
struct ReadDone {
    Result<Reading> reading;
};
struct Journalled {};
struct ReplaceDone {
    Result<std::string> change;
};
struct SyncDone {
    Result<bool> inSync;
};
struct SurveyDone {
    Result<Survey> survey;
};
struct Waited {};
}  // namespace event
using Event = std::variant<event::Begin, event::ReadDone, event::Journalled, event::ReplaceDone, event::SyncDone,
                           event::SurveyDone, event::Waited>;

namespace action {
struct Read {};
struct Journal {};  // store record(), then Journalled
struct Replace {
    Reading seen;
    Wanted wanted;
};
struct AskSync {
    std::string change;
};
struct AskServers {};
struct Wait {
    int64_t ms = 0;
};
struct Rest {};  // nothing more to do until a new target
}  // namespace action
using Action = std::variant<action::Read, action::Journal, action::Replace, action::AskSync, action::AskServers,
                            action::Wait, action::Rest>;

class Machine {
  public:
    Machine(Publication publication, Record record, bool readsBack, MachineTiming timing = {});

    // A new target. An older epoch than the one wanted is refused; the same target again is no change (false).
    Result<bool> want(const Target& target, UnixMs now);
    // adopting: take a name without a mark; `replaceMark` names the group whose mark may be taken over.
    void adopt(std::string replaceMark = {});
    // Writes what is there once more, to see that it may still be written: only when it is ours and as wanted, by the
    // same journal and comparison. The standing stays; the record says when and how it ended. Continue by resume().
    Action rewrite();
    Action resume(const Event& event, UnixMs now);

    const Record& record() const { return record_; }
    // The record as it was stored last differs from record(): store it.
    bool changed() const { return changed_; }
    void stored() { changed_ = false; }
    const std::optional<Survey>& survey() const { return survey_; }
    const std::optional<Reading>& reading() const { return reading_; }

  private:
    Action begin(UnixMs now);
    Action onReading(const Result<Reading>& reading, UnixMs now);
    Action onReplaced(const Result<std::string>& change, UnixMs now);
    Action onSync(const Result<bool>& inSync, UnixMs now);
    Action onSurvey(const Result<Survey>& survey, UnixMs now);
    Action taken(std::string change, UnixMs now);
    Action onReadingToRewrite(const Result<Reading>& reading, UnixMs now);
    Action rewritten(std::string problem, UnixMs now);
    bool isThere(const Reading& reading) const;
    Action surveyAgain(UnixMs now, const std::string& dissent);
    Action later(Standing standing, const Error& error, UnixMs now);
    void enter(Standing standing, std::string detail, std::string hint, UnixMs now);
    std::optional<Error> whyNotOurs(const Reading& reading) const;

    Publication publication_;
    Record record_;
    bool readsBack_;  // the provider does not compare and set: what was written is read before it is believed
    MachineTiming timing_;
    bool changed_ = false;
    bool adopting_ = false;
    bool rewriting_ = false;
    std::string replaceMark_;
    Action afterWait_ = action::Rest{};
    std::optional<Reading> reading_;
    std::optional<Survey> survey_;
    int attempts_ = 0;
    int agreed_ = 0;  // surveys in a row in which all agreed
    int64_t retryMs_ = 0;
    UnixMs phaseAt_ = 0;       // when syncing or verifying began
    bool confirming_ = false;  // reading back what a provider without compare-and-set took
};

}  // namespace swb::publication
