#include "dns/transfer/notify_session.h"

#include <gtest/gtest.h>

#include "dns/protocol.h"

namespace swb::dns::transfer {
namespace {

using Send = NotifySession::Send;

TEST(NotifySession, SaysNothingBeforeAChange) {
    NotifySession session;
    EXPECT_FALSE(session.wakeAt());
    EXPECT_EQ(session.next(0), Send::nothing);
}

TEST(NotifySession, NotifiesAtOnceThenAsksUntilConverged) {
    NotifySession session;
    session.zoneChanged(5, 1000);
    EXPECT_EQ(session.next(1000), Send::notify);
    EXPECT_EQ(session.next(1001), Send::nothing);
    session.acknowledged(5, rcode::noError, 1010);
    EXPECT_EQ(session.state().acknowledged, 5u);
    EXPECT_EQ(session.next(1010), Send::askSerial);
    session.answered(4, rcode::noError, 1012);
    EXPECT_FALSE(session.state().convergedAfterMs);
    EXPECT_EQ(session.next(*session.wakeAt()), Send::askSerial);
    session.answered(5, rcode::noError, 1040);
    EXPECT_EQ(session.state().convergedAfterMs, 40);
    EXPECT_EQ(session.wakeAt(), 1040 + 60'000) << "from then on it is watched";
}

TEST(NotifySession, RepeatsLaterAndLaterAndGivesUp) {
    NotifySession session;
    session.zoneChanged(5, 0);
    MonotonicMs now = 0, before = 0;
    int sent = 0;
    while (session.wakeAt()) {
        const int64_t pause = *session.wakeAt() - now;
        now = *session.wakeAt();
        if (session.next(now) != Send::notify) break;
        if (++sent > 2) {
            EXPECT_GE(pause, before);
        }
        before = pause;
        EXPECT_LE(pause, 60'000);
    }
    EXPECT_EQ(sent, 60);
    EXPECT_TRUE(session.state().gaveUp);
    session.zoneChanged(6, now);
    EXPECT_FALSE(session.state().gaveUp);
    EXPECT_EQ(session.next(now), Send::notify);
}

TEST(NotifySession, AnAcknowledgementOfAnOlderSerialDoesNotEndIt) {
    NotifySession session;
    session.zoneChanged(5, 0);
    EXPECT_EQ(session.next(0), Send::notify);
    session.zoneChanged(6, 1);
    session.acknowledged(5, rcode::noError, 2);
    EXPECT_EQ(session.next(2), Send::notify);
    session.acknowledged(6, rcode::noError, 3);
    EXPECT_EQ(session.next(3), Send::askSerial);
}

TEST(NotifySession, ARefusalIsKeptAndRepeatedLater) {
    NotifySession session;
    session.zoneChanged(5, 0);
    EXPECT_EQ(session.next(0), Send::notify);
    session.acknowledged(5, rcode::refused, 1);
    EXPECT_FALSE(session.state().acknowledged);
    EXPECT_FALSE(session.state().problem.empty());
    EXPECT_EQ(session.next(1), Send::nothing);
    EXPECT_EQ(session.next(500), Send::notify);
}

TEST(NotifySession, OneThatRefusesNotifyIsAskedWhetherItHasTheZoneAllTheSame) {
    NotifySession session;
    session.zoneChanged(5, 0);
    EXPECT_EQ(session.next(0), Send::notify);
    session.acknowledged(5, rcode::refused, 1);
    EXPECT_EQ(session.next(500), Send::notify);
    EXPECT_EQ(session.next(1500), Send::askSerial);
    session.answered(5, rcode::noError, 1501);
    EXPECT_EQ(session.state().convergedAfterMs, 1501);
    EXPECT_EQ(session.state().problem, "it answers NOTIFY with REFUSED");
}

NotifySession converged() {
    NotifySession session;
    session.zoneChanged(5, 0);
    EXPECT_EQ(session.next(0), Send::notify);
    session.acknowledged(5, rcode::noError, 1);
    EXPECT_EQ(session.next(1), Send::askSerial);
    session.answered(5, rcode::noError, 2);
    return session;
}

TEST(NotifySession, OneThatGoesAwayIsSeen) {
    NotifySession session = converged();
    EXPECT_EQ(session.state().unanswered, 0);
    for (int minute = 1; minute <= 3; ++minute) EXPECT_EQ(session.next(2 + minute * 60'000), Send::askSerial);
    EXPECT_EQ(session.state().unanswered, 3);
    session.answered(5, rcode::noError, 200'000);
    EXPECT_EQ(session.state().unanswered, 0);
    EXPECT_EQ(session.state().convergedAfterMs, 2) << "of the change, not of coming back";
}

TEST(NotifySession, OneThatComesBackWithoutTheZoneIsToldAgain) {
    for (const std::optional<uint32_t> serial : {std::optional<uint32_t>(4), std::optional<uint32_t>()}) {
        NotifySession session = converged();
        EXPECT_EQ(session.next(60'002), Send::askSerial);
        session.answered(serial, serial ? rcode::noError : rcode::refused, 60'003);
        EXPECT_EQ(session.next(60'003), Send::notify);
        EXPECT_EQ(session.state().serialProblem.empty(), serial.has_value());
    }
}

TEST(NotifySession, OneThatIsAheadIsNotToldAgain) {
    NotifySession session = converged();
    EXPECT_EQ(session.next(60'002), Send::askSerial);
    session.answered(9, rcode::noError, 60'003);
    EXPECT_EQ(session.state().seen, 9u);
    EXPECT_EQ(session.next(120'003), Send::askSerial);
}

}  // namespace
}  // namespace swb::dns::transfer
