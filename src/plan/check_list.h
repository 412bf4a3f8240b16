// Collects checks; internal to the planners.
#pragma once

#include "plan/check.h"

namespace swb::plan {

class CheckList {
  public:
    explicit CheckList(UnixMs at) { readiness_.checkedAt = at; }

    void refuseUnless(bool good, std::string name, std::string subject, std::string goodSentence,
                      std::string badSentence, std::string hint) {
        add(good ? Verdict::ok : Verdict::refused, std::move(name), std::move(subject),
            std::move(good ? goodSentence : badSentence), good ? "" : std::move(hint));
    }
    void warnUnless(bool good, std::string name, std::string subject, std::string goodSentence, std::string badSentence,
                    std::string hint) {
        add(good ? Verdict::ok : Verdict::warning, std::move(name), std::move(subject),
            std::move(good ? goodSentence : badSentence), good ? "" : std::move(hint));
    }
    void add(Verdict verdict, std::string name, std::string subject, std::string sentence, std::string hint) {
        readiness_.checks.push_back(
            {std::move(name), std::move(subject), verdict, std::move(sentence), std::move(hint)});
    }
    UnixMs at() const { return readiness_.checkedAt; }
    Readiness take() { return std::move(readiness_); }

  private:
    Readiness readiness_;
};

// Shared by the kinds of readiness.
// A server setting as a number; agents report settings as the server prints them ("100"). 0 when absent.
int64_t setting(const Json& facts, std::string_view name);
void checkAgents(CheckList& list, const Snapshot& snapshot, const Application& application, const CheckLimits& limits);
// The group's publications at other providers: warnings, for none of them may keep a switch from happening.
void checkPublications(CheckList& list, const Snapshot& snapshot);
// What the newest test of the address found, with its age.
void checkAddressTest(CheckList& list, const Snapshot& snapshot);
// Whether each secondary has the zone's newest serial: a warning, for the secondary follows when it is back.
void checkSecondaries(CheckList& list, const Snapshot& snapshot);
void checkReplicaFit(CheckList& list, Engine engine, const std::string& subject, const Json& source,
                     const Json& replica, const CheckLimits& limits);

}  // namespace swb::plan
