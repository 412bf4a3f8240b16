#include "publication/machine.h"

#include <gtest/gtest.h>

namespace swb::publication {
namespace {

const Publication www = [] {
    Publication publication;
    publication.name = "www.shop.example";
    publication.zone = "shop.example";
    return publication;
}();

const RecordSet oldSet{60, {"192.0.2.1"}}, newSet{60, {"198.51.100.1"}};

Reading readingOf(const RecordSet& set, int64_t epoch, const std::string& group = "fg-shop") {
    Reading reading;
    reading.set = set;
    reading.mark = Mark{group, epoch};
    return reading;
}

Survey surveyOf(const std::vector<RecordSet>& answers) {
    Survey survey;
    for (const RecordSet& set : answers) {
        ServerAnswer answer;
        answer.server = {"ns" + std::to_string(survey.answers.size()), {*dns::IpAddress::fromText("192.0.2.53"), 53}};
        answer.set = set;
        survey.answers.push_back(answer);
    }
    return survey;
}

template <typename Kind>
bool is(const Action& action) {
    return std::holds_alternative<Kind>(action);
}
int64_t waitOf(const Action& action) {
    const auto* wait = std::get_if<action::Wait>(&action);
    return wait ? wait->ms : -1;
}
Error error(ErrorCode code) {
    return {code, "said so"};
}

class MachineTest : public testing::Test {
  protected:
    MachineTest() { EXPECT_TRUE(*machine.want({"fg-shop", 5, newSet}, now)); }
    Action give(const Event& event) { return machine.resume(event, now); }
    Action read(const Reading& reading) { return give(event::ReadDone{reading}); }
    // To the point where the change is called for.
    Action toReplace() {
        EXPECT_TRUE(is<action::Read>(give(event::Begin{})));
        EXPECT_TRUE(is<action::Journal>(read(readingOf(oldSet, 4))));
        return give(event::Journalled{});
    }
    Standing standing() const { return machine.record().standing; }

    UnixMs now = 1'000'000;
    MachineTiming timing;
    Machine machine{www, {}, false, timing};
};

TEST_F(MachineTest, ReadsJournalsReplacesAndAsksTwiceBeforeItIsPublished) {
    const Action replace = toReplace();
    ASSERT_TRUE(is<action::Replace>(replace));
    EXPECT_EQ(std::get<action::Replace>(replace).wanted.set, newSet);
    EXPECT_EQ(std::get<action::Replace>(replace).wanted.mark, (Mark{"fg-shop", 5}));
    EXPECT_EQ(*std::get<action::Replace>(replace).seen.set, oldSet);
    ASSERT_TRUE(machine.record().intent);
    EXPECT_EQ(machine.record().intent->before, oldSet);
    EXPECT_EQ(machine.record().intent->after, newSet);
    EXPECT_TRUE(is<action::AskServers>(give(event::ReplaceDone{std::string()})));
    EXPECT_GT(waitOf(give(event::SurveyDone{surveyOf({newSet, newSet})})), 0);
    EXPECT_EQ(standing(), Standing::verifying);
    EXPECT_TRUE(is<action::AskServers>(give(event::Waited{})));
    EXPECT_TRUE(is<action::Rest>(give(event::SurveyDone{surveyOf({newSet, newSet})})));
    EXPECT_EQ(standing(), Standing::published);
    EXPECT_EQ(machine.record().published->epoch, 5);
}

TEST_F(MachineTest, NothingIsCalledBeforeTheIntentIsStored) {
    give(event::Begin{});
    machine.stored();
    EXPECT_TRUE(is<action::Journal>(read(readingOf(oldSet, 4))));
    EXPECT_TRUE(machine.changed()) << "the record to be stored holds the intent";
    EXPECT_TRUE(machine.record().intent->open);
}

TEST_F(MachineTest, WhatIsThereAlreadyIsOnlyVerified) {
    give(event::Begin{});
    EXPECT_TRUE(is<action::AskServers>(read(readingOf(newSet, 5))));
    EXPECT_FALSE(machine.record().intent);
}

TEST_F(MachineTest, ANameWithoutOurMarkIsNotTouched) {
    give(event::Begin{});
    Reading unmarked = readingOf(oldSet, 4);
    unmarked.mark.reset();
    EXPECT_TRUE(is<action::Rest>(read(unmarked)));
    EXPECT_EQ(standing(), Standing::conflict);
    give(event::Begin{});
    EXPECT_TRUE(is<action::Rest>(read(readingOf(oldSet, 4, "fg-other"))));
    EXPECT_EQ(standing(), Standing::conflict);
    EXPECT_NE(machine.record().detail.find("fg-other"), std::string::npos);
}

TEST_F(MachineTest, AdoptionTakesAnUnmarkedNameAndAnotherGroupsOnlyByItsId) {
    machine.adopt();
    give(event::Begin{});
    Reading unmarked = readingOf(oldSet, 4);
    unmarked.mark.reset();
    EXPECT_TRUE(is<action::Journal>(read(unmarked)));
    EXPECT_TRUE(is<action::Rest>(read(readingOf(oldSet, 4, "fg-other"))));
    machine.adopt("fg-other");
    give(event::Begin{});
    EXPECT_TRUE(is<action::Journal>(read(readingOf(oldSet, 9, "fg-other"))));
}

TEST_F(MachineTest, SomethingStrangeAtTheNameIsNeverTakenNotEvenWhenAdopting) {
    machine.adopt();
    give(event::Begin{});
    Reading strange = readingOf(oldSet, 4);
    strange.strange = "the name has a CNAME record";
    EXPECT_TRUE(is<action::Rest>(read(strange)));
    EXPECT_EQ(standing(), Standing::conflict);
}

TEST_F(MachineTest, AnOlderEpochNeverReplacesANewer) {
    const auto older = machine.want({"fg-shop", 4, oldSet}, now);
    ASSERT_FALSE(older);
    EXPECT_EQ(older.error().code, ErrorCode::EpochOld);
    give(event::Begin{});
    EXPECT_TRUE(is<action::Rest>(read(readingOf(oldSet, 6)))) << "the mark is newer than what is wanted";
    EXPECT_EQ(standing(), Standing::conflict);
}

TEST_F(MachineTest, AnEmptySetIsNeverWanted) {
    const auto empty = machine.want({"fg-shop", 6, {60, {}}}, now);
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().code, ErrorCode::NotReady);
    EXPECT_EQ(machine.record().wanted->set, newSet);
}

TEST_F(MachineTest, AnUnknownOutcomeIsReadBackAfterAWhileAndNeverRepeatedBlindly) {
    toReplace();
    const Action wait = give(event::ReplaceDone{fail(error(ErrorCode::OutcomeUnknown))});
    EXPECT_GE(waitOf(wait), timing.settleMs);
    EXPECT_EQ(standing(), Standing::unknown);
    EXPECT_TRUE(is<action::Read>(give(event::Waited{})));
    EXPECT_TRUE(is<action::AskServers>(read(readingOf(newSet, 5)))) << "it had happened";
    EXPECT_EQ(standing(), Standing::verifying);
}

TEST_F(MachineTest, AnUnknownOutcomeThatDidNotHappenIsTriedAgainThroughTheJournal) {
    toReplace();
    give(event::ReplaceDone{fail(error(ErrorCode::OutcomeUnknown))});
    give(event::Waited{});
    EXPECT_TRUE(is<action::Journal>(read(readingOf(oldSet, 4))));
    EXPECT_TRUE(is<action::Replace>(give(event::Journalled{})));
}

TEST_F(MachineTest, WhenTheProviderCannotBeReadAfterACallTheOutcomeStaysUnknown) {
    toReplace();
    give(event::ReplaceDone{fail(error(ErrorCode::OutcomeUnknown))});
    give(event::Waited{});
    EXPECT_GT(waitOf(give(event::ReadDone{fail(error(ErrorCode::Unreachable))})), 0);
    EXPECT_EQ(standing(), Standing::unknown);
    EXPECT_TRUE(is<action::Read>(give(event::Waited{})));
}

TEST_F(MachineTest, WhenItCannotBeReadBeforeTheCallNothingHasHappened) {
    give(event::Begin{});
    EXPECT_GT(waitOf(give(event::ReadDone{fail(error(ErrorCode::Unauthenticated))})), 0);
    EXPECT_EQ(standing(), Standing::failed);
}

TEST_F(MachineTest, AConflictIsReadAgainAndGivenUpWhenItDoesNotEnd) {
    toReplace();
    for (int attempt = 1; attempt < timing.attempts; ++attempt) {
        ASSERT_TRUE(is<action::Read>(give(event::ReplaceDone{fail(error(ErrorCode::Conflict))}))) << attempt;
        ASSERT_TRUE(is<action::Journal>(read(readingOf(oldSet, 4)))) << attempt;
        ASSERT_TRUE(is<action::Replace>(give(event::Journalled{}))) << attempt;
    }
    give(event::ReplaceDone{fail(error(ErrorCode::Conflict))});
    EXPECT_TRUE(is<action::Rest>(read(readingOf(oldSet, 4))));
    EXPECT_EQ(standing(), Standing::conflict);
}

TEST_F(MachineTest, ARateLimitIsWaitedOutWithGrowingPauses) {
    toReplace();
    const int64_t first = waitOf(give(event::ReplaceDone{fail(error(ErrorCode::Busy))}));
    EXPECT_EQ(standing(), Standing::failed);
    give(event::Waited{});
    read(readingOf(oldSet, 4));
    give(event::Journalled{});
    EXPECT_GT(waitOf(give(event::ReplaceDone{fail(error(ErrorCode::Busy))})), first);
}

TEST_F(MachineTest, TheProvidersOwnSyncIsWaitedForThenTheNameServersAreAsked) {
    toReplace();
    const Action sync = give(event::ReplaceDone{std::string("C1")});
    ASSERT_TRUE(is<action::AskSync>(sync));
    EXPECT_EQ(standing(), Standing::submitted);
    EXPECT_GT(waitOf(give(event::SyncDone{false})), 0);
    EXPECT_TRUE(is<action::AskSync>(give(event::Waited{})));
    EXPECT_TRUE(is<action::AskServers>(give(event::SyncDone{true})));
}

TEST_F(MachineTest, AProviderThatNeverGetsInSyncDoesNotHoldTheQuestionToTheServersUp) {
    toReplace();
    give(event::ReplaceDone{std::string("C1")});
    now += timing.syncMs + 1;
    EXPECT_TRUE(is<action::AskServers>(give(event::SyncDone{fail(error(ErrorCode::Unreachable))})));
}

TEST_F(MachineTest, OneNameServerThatAnswersTheOldAddressIsPartialAndStaysAsked) {
    toReplace();
    give(event::ReplaceDone{std::string()});
    EXPECT_EQ(waitOf(give(event::SurveyDone{surveyOf({newSet, oldSet})})), timing.surveyPauseMs);
    EXPECT_EQ(standing(), Standing::verifying);
    now += timing.verifyMs + 1;
    give(event::Waited{});
    EXPECT_EQ(waitOf(give(event::SurveyDone{surveyOf({newSet, oldSet})})), timing.slowMs);
    EXPECT_EQ(standing(), Standing::partial);
    EXPECT_NE(machine.record().detail.find("ns1 at 192.0.2.53:53"), std::string::npos) << machine.record().detail;
    EXPECT_NE(machine.record().detail.find("192.0.2.1"), std::string::npos);
    give(event::Waited{});
    give(event::SurveyDone{surveyOf({newSet, newSet})});
    give(event::Waited{});
    give(event::SurveyDone{surveyOf({newSet, newSet})});
    EXPECT_EQ(standing(), Standing::published);
}

TEST_F(MachineTest, AgreementThatDoesNotLastIsNone) {
    toReplace();
    give(event::ReplaceDone{std::string()});
    give(event::SurveyDone{surveyOf({newSet})});
    give(event::Waited{});
    give(event::SurveyDone{surveyOf({oldSet})});
    give(event::Waited{});
    EXPECT_GT(waitOf(give(event::SurveyDone{surveyOf({newSet})})), 0) << "twice in a row, not twice in all";
    EXPECT_EQ(standing(), Standing::verifying);
}

TEST_F(MachineTest, ASurveyOfNobodyProvesNothing) {
    toReplace();
    give(event::ReplaceDone{std::string()});
    Survey survey = surveyOf({newSet});
    survey.answers.front().asked = false;
    give(event::SurveyDone{survey});
    EXPECT_FALSE(survey.agrees(newSet));
    EXPECT_EQ(standing(), Standing::verifying);
}

TEST_F(MachineTest, AfterARestartTheProviderIsReadBeforeAnythingElse) {
    toReplace();
    Machine restarted(www, *recordFromJson(toJson(machine.record())), false, timing);
    EXPECT_EQ(restarted.record().standing, Standing::intended);
    EXPECT_TRUE(is<action::Read>(restarted.resume(event::Begin{}, now)));
    restarted.resume(event::ReadDone{fail(error(ErrorCode::Unreachable))}, now);
    EXPECT_EQ(restarted.record().standing, Standing::unknown) << "the call may have gone out before the crash";
}

TEST_F(MachineTest, AfterARestartATakenChangeIsAskedForByItsId) {
    toReplace();
    give(event::ReplaceDone{std::string("C7")});
    Machine restarted(www, *recordFromJson(toJson(machine.record())), false, timing);
    const Action next = restarted.resume(event::Begin{}, now);
    ASSERT_TRUE(is<action::AskSync>(next));
    EXPECT_EQ(std::get<action::AskSync>(next).change, "C7");
}

TEST_F(MachineTest, ANewTargetSupersedesTheOneUnderWay) {
    toReplace();
    EXPECT_TRUE(*machine.want({"fg-shop", 6, oldSet}, now));
    EXPECT_TRUE(is<action::Read>(give(event::Begin{})));
    EXPECT_TRUE(is<action::Journal>(read(readingOf(newSet, 5))));
    EXPECT_FALSE(*machine.want({"fg-shop", 6, oldSet}, now)) << "the same again is no change";
}

class RewriteTest : public MachineTest {
  protected:
    RewriteTest() {
        toReplace();
        give(event::ReplaceDone{std::string()});
        give(event::SurveyDone{surveyOf({newSet})});
        give(event::Waited{});
        EXPECT_TRUE(is<action::Rest>(give(event::SurveyDone{surveyOf({newSet})})));
        EXPECT_EQ(standing(), Standing::published);
        machine.stored();
        now += 1'000'000;
    }
};

TEST_F(RewriteTest, WritesWhatIsThereByTheSameJournalAndKeepsItsStanding) {
    EXPECT_TRUE(is<action::Read>(machine.rewrite()));
    EXPECT_TRUE(is<action::Journal>(read(readingOf(newSet, 5))));
    EXPECT_TRUE(machine.changed() && machine.record().intent->open);
    EXPECT_EQ(machine.record().intent->before, machine.record().intent->after);
    const Action called = give(event::Journalled{});
    ASSERT_TRUE(is<action::Replace>(called));
    EXPECT_EQ(std::get<action::Replace>(called).wanted.set, newSet);
    EXPECT_TRUE(is<action::Rest>(give(event::ReplaceDone{std::string("C2")}))) << "nothing has changed: nobody to ask";
    EXPECT_EQ(standing(), Standing::published);
    EXPECT_EQ(machine.record().writtenAt, now);
    EXPECT_EQ(machine.record().writeProblem, "");
    EXPECT_FALSE(machine.record().intent->open);
}

TEST_F(RewriteTest, TouchesNothingThatIsNotOursOrNotAsWanted) {
    for (const Reading& reading : {readingOf(oldSet, 5), readingOf(newSet, 4), readingOf(newSet, 5, "fg-other")}) {
        EXPECT_TRUE(is<action::Read>(machine.rewrite()));
        EXPECT_TRUE(is<action::Rest>(read(reading)));
        EXPECT_FALSE(machine.changed());
        EXPECT_EQ(standing(), Standing::published);
    }
}

TEST_F(RewriteTest, ARefusalIsAWordOnTheCredentialAndNotOnWhatIsPublished) {
    machine.rewrite();
    read(readingOf(newSet, 5));
    give(event::Journalled{});
    EXPECT_TRUE(is<action::Rest>(give(event::ReplaceDone{fail(error(ErrorCode::Unauthenticated))})));
    EXPECT_EQ(standing(), Standing::published);
    EXPECT_EQ(machine.record().writeProblem, "said so");
    EXPECT_TRUE(*machine.want({"fg-shop", 6, oldSet}, now));
    EXPECT_TRUE(is<action::Rest>(machine.rewrite())) << "a change comes first";
}

TEST(MachineWithoutCompareAndSet, ReadsBackWhatItWroteBeforeItBelievesIt) {
    Machine machine(www, {}, true, {});
    ASSERT_TRUE(machine.want({"fg-shop", 5, newSet}, 1));
    machine.resume(event::Begin{}, 1);
    machine.resume(event::ReadDone{readingOf(oldSet, 4)}, 1);
    machine.resume(event::Journalled{}, 1);
    EXPECT_TRUE(is<action::Read>(machine.resume(event::ReplaceDone{std::string()}, 1)));
    EXPECT_TRUE(is<action::Journal>(machine.resume(event::ReadDone{readingOf(oldSet, 4)}, 1))) << "somebody undid it";
    machine.resume(event::Journalled{}, 1);
    machine.resume(event::ReplaceDone{std::string()}, 1);
    EXPECT_TRUE(is<action::AskServers>(machine.resume(event::ReadDone{readingOf(newSet, 5)}, 1)));
}

TEST(PublicationRecord, SurvivesItsOwnJson) {
    Record record;
    record.wanted = Target{"fg-shop", 7, newSet};
    record.standing = Standing::partial;
    record.detail = "ns2";
    record.intent = Intent{7, oldSet, newSet, 12, true};
    record.published = record.wanted;
    record.change = "C1";
    record.standingAt = 99;
    record.writtenAt = 98;
    record.writeProblem = "the key was refused";
    EXPECT_EQ(toText(toJson(*recordFromJson(toJson(record)))), toText(toJson(record)));
    EXPECT_FALSE(recordFromJson(Json{{"standing", "sideways"}}));
}

TEST(PublicationMark, IsReadStrictly) {
    EXPECT_EQ(markFromText("swingbridge group=fg-a epoch=12"), (Mark{"fg-a", 12}));
    EXPECT_EQ(markFromText(Mark{"fg-a", 0}.text()), (Mark{"fg-a", 0}));
    for (const char* text : {"", "swingbridge", "swingbridge group= epoch=1", "swingbridge group=fg-a epoch=",
                             "swingbridge group=fg-a epoch=1x", "swingbridge group=fg-a epoch=-1",
                             "swingbridge group=fg-a epoch=99999999999999999999", "v=spf1 -all"})
        EXPECT_FALSE(markFromText(text)) << text;
}

}  // namespace
}  // namespace swb::publication
