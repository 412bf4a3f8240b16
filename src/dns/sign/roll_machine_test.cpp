#include "dns/sign/roll_machine.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "dns/sign/sign_test_support.h"

namespace swb::dns::sign {
namespace {

using Kind = RollEvent::Kind;

constexpr RollTiming timing{600, 60, 120, 900};
constexpr uint32_t zoneTtl = 1800;

RollEvent command(Command which) {
    return {Kind::command, which, 0};
}

RollState inStage(Stage stage, UnixSeconds inPlaceAt = test::now) {
    return {stage, test::now, inPlaceAt, zoneTtl, 900};
}

std::vector<Stage> neighbours(Stage stage) {
    std::vector<Stage> result{rowOf(stage).next};
    if (rowOf(stage).onCancel) result.push_back(*rowOf(stage).onCancel);
    for (const StartRow& start : startTable())
        if (start.from == stage) result.push_back(start.to);
    return result;
}

std::set<Stage> reachableFrom(Stage first) {
    std::set<Stage> seen{first};
    std::deque<Stage> open{first};
    for (; !open.empty(); open.pop_front())
        for (const Stage next : neighbours(open.front()))
            if (seen.insert(next).second) open.push_back(next);
    return seen;
}

TEST(RollTable, EveryStageIsReachedAndComesToRest) {
    EXPECT_EQ(reachableFrom(Stage::unsignedZone).size(), stageTable().size());
    for (const StageRow& row : stageTable()) {
        const auto seen = reachableFrom(row.stage);
        EXPECT_TRUE(seen.contains(Stage::unsignedZone)) << row.name;
        EXPECT_TRUE(seen.contains(Stage::steady)) << row.name;
        // Without another command too.
        Stage stage = row.stage;
        for (size_t steps = 0; steps < stageTable().size(); ++steps) stage = rowOf(stage).next;
        EXPECT_TRUE(stage == Stage::steady || stage == Stage::unsignedZone) << row.name;
        EXPECT_EQ(rowOf(stage).wait, Wait::forever);
    }
}

TEST(RollTable, NamesAreUniqueAndReadBack) {
    std::set<std::string_view> names;
    for (const StageRow& row : stageTable()) {
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_EQ(stageFromText(row.name), row.stage);
        EXPECT_FALSE(row.sentence.empty());
        EXPECT_NE(stageTableText().find("| " + std::string(row.name) + " |"), std::string::npos);
    }
    EXPECT_FALSE(stageFromText("nowhere"));
}

TEST(RollTable, ASignedZoneAlwaysHasAPublishedSignerOfTheKeysAndASignerOfTheZone) {
    for (const StageRow& row : stageTable()) {
        if (row.stage == Stage::unsignedZone) continue;
        bool signsKeysNow = false;
        bool signsZoneNow = false;
        for (const KeyRole role : {KeyRole::ksk, KeyRole::zsk, KeyRole::csk})
            for (const bool isSuccessor : {false, true}) {
                if (isSuccessor && row.rolled == Rolled::nothing) continue;
                const KeyUsage usage = usageOf(row.stage, role, isSuccessor);
                EXPECT_TRUE(usage.isPublished || !usage.signsKeys) << row.name;
                signsKeysNow |= usage.isPublished && usage.signsKeys;
                signsZoneNow |= usage.isPublished && usage.signsZone;
            }
        EXPECT_TRUE(signsKeysNow && signsZoneNow) << row.name;
    }
}

TEST(RollMachine, TheClockOfAStageStartsWhenTheZoneIsInPlace) {
    RollState state = inStage(Stage::zskPublication, 0);
    EXPECT_FALSE(deadlineOf(state, timing));
    EXPECT_EQ(advance(state, {}, test::now + 1'000'000, timing)->state, state) << "nobody has seen the new key yet";
    state = advance(state, {Kind::inPlace, {}, 5000}, test::now + 50, timing)->state;
    EXPECT_EQ(state.inPlaceAt, test::now + 50);
    EXPECT_EQ(state.zoneTtlSeconds, 5000u);
    EXPECT_EQ(deadlineOf(state, timing), test::now + 50 + 660);
    EXPECT_EQ(advance(state, {Kind::inPlace, {}, 9000}, test::now + 70, timing)->state, state) << "only once";
    EXPECT_FALSE(advance(state, {}, test::now + 50 + 659, timing)->isNewStage);
    const RollDecision decision = *advance(state, {}, test::now + 50 + 660, timing);
    EXPECT_TRUE(decision.isNewStage);
    EXPECT_EQ(decision.state.stage, Stage::zskReplacement);
    EXPECT_EQ(decision.state.inPlaceAt, 0);
    EXPECT_EQ(decision.action, KeyAction::nothing);
}

TEST(RollMachine, TheLongestTtlOfEitherSideOfAStageCounts) {
    RollState state = inStage(Stage::zskReplacement, 0);
    state = advance(state, {Kind::inPlace, {}, 30}, test::now, timing)->state;
    EXPECT_EQ(deadlineOf(state, timing), test::now + zoneTtl + 60);
    const RollDecision decision = *advance(state, {}, test::now + zoneTtl + 60, timing);
    EXPECT_EQ(decision.state.stage, Stage::steady);
    EXPECT_EQ(decision.action, KeyAction::promoteSuccessors);
    EXPECT_EQ(decision.state.zoneTtlSeconds, 0u) << "measured anew";
}

TEST(RollMachine, OnlyTheParentEndsAWaitForIt) {
    for (const Stage stage : {Stage::firstDelegation, Stage::kskDelegation, Stage::cskDelegation,
                              Stage::algorithmDelegation, Stage::delegationRemoval}) {
        const RollState state = inStage(stage);
        EXPECT_FALSE(deadlineOf(state, timing));
        EXPECT_FALSE(advance(state, {}, test::now + 100'000'000, timing)->isNewStage);
        const RollDecision decision = *advance(state, {Kind::parentAgrees, {}, 7200}, test::now + 9, timing);
        EXPECT_EQ(decision.state.stage, rowOf(stage).next);
        EXPECT_EQ(decision.state.parentTtlSeconds, 7200u);
        EXPECT_EQ(decision.state.enteredAt, test::now + 9);
        EXPECT_EQ(advance(state, command(Command::parentDone), test::now, timing)->state.stage, rowOf(stage).next);
        // What is seen before our own request is out does not count.
        const RollState early = inStage(stage, 0);
        EXPECT_EQ(advance(early, {Kind::parentAgrees, {}, 7200}, test::now + 9, timing)->state, early);
        EXPECT_FALSE(advance(early, command(Command::parentDone), test::now, timing));
    }
    const RollState steady = inStage(Stage::steady);
    EXPECT_EQ(advance(steady, {Kind::parentAgrees, {}, 7200}, test::now, timing)->state, steady);
}

TEST(RollMachine, CommandsArePossibleWhereTheTableSaysSo) {
    const std::map<Command, Rolled> made = {{Command::enable, Rolled::every}, {Command::disable, Rolled::nothing},
                                            {Command::rollZsk, Rolled::zsk},  {Command::rollKsk, Rolled::ksk},
                                            {Command::rollCsk, Rolled::csk},  {Command::rollAlgorithm, Rolled::every}};
    for (const auto& [which, rolled] : made)
        for (const StageRow& row : stageTable()) {
            const auto start = std::find_if(startTable().begin(), startTable().end(), [&](const StartRow& candidate) {
                return candidate.command == which && candidate.from == row.stage;
            });
            const auto decision = advance(inStage(row.stage), command(which), test::now, timing);
            ASSERT_EQ(decision.has_value(), start != startTable().end()) << row.name << ' ' << nameOf(which);
            if (!decision) {
                EXPECT_EQ(decision.error().code, ErrorCode::RunState);
                continue;
            }
            EXPECT_EQ(decision->state.stage, start->to);
            EXPECT_EQ(decision->generate, rolled);
        }
}

TEST(RollMachine, CancelGoesBackAndDropsTheNewKeys) {
    for (const StageRow& row : stageTable()) {
        const auto decision = advance(inStage(row.stage), command(Command::cancel), test::now, timing);
        ASSERT_EQ(decision.has_value(), row.onCancel.has_value()) << row.name;
        if (!decision) continue;
        EXPECT_EQ(decision->state.stage, *row.onCancel);
        const bool dropsAll = *row.onCancel == Stage::unsignedZone;
        EXPECT_EQ(decision->action, dropsAll ? KeyAction::dropAll : KeyAction::dropSuccessors) << row.name;
    }
}

TEST(RollMachine, DisablingAtOnceIsPossibleAnywhere) {
    for (const StageRow& row : stageTable()) {
        const auto decision = advance(inStage(row.stage), command(Command::disableNow), test::now, timing);
        if (row.stage == Stage::unsignedZone) {
            EXPECT_FALSE(decision);
            continue;
        }
        EXPECT_EQ(decision->state.stage, Stage::unsignedZone);
        EXPECT_EQ(decision->action, KeyAction::dropAll);
    }
}

// A life of a zone, and what a resolver may have cached of it at each moment.
//
// Keys are small numbers; a key's algorithm is its hundreds. The zone is as its stage says from `inPlaceDelay` after
// the stage begins; the parent needs `parentDelay`.
class CacheModel {
  public:
    explicit CacheModel(bool isSplit) : isSplit_(isSplit) {}

    void run(Command which) {
        decide(*advance(state_, command(which), now_, timing));
        for (int steps = 0; steps < 100'000; ++steps) {
            tick();
            if (rowOf(state_.stage).wait == Wait::forever && state_.inPlaceAt != 0) break;
        }
        EXPECT_EQ(rowOf(state_.stage).wait, Wait::forever);
        for (int steps = 0; steps < 40; ++steps) tick();
    }

    Stage stage() const { return state_.stage; }

    // Every mixture of what was to be had within the TTLs leads from a DS to the signature.
    void expectValid() const {
        for (size_t at = 0; at < history_.size(); ++at)
            for (const View* parent : within(at, timing.parentTtlSeconds))
                for (const View* keys : within(at, timing.keysTtlSeconds))
                    for (const View* sets : within(at, zoneTtl))
                        ASSERT_TRUE(isValid(*parent, *keys, *sets))
                            << "at " << at * stepSeconds << " s: DS of " << parent->name << ", keys of " << keys->name
                            << ", signatures of " << sets->name;
    }

  private:
    struct Key {
        int id;
        KeyRole role;
        bool isSuccessor;
    };
    struct View {
        std::string name;
        std::set<int> delegated, published, keySigners, zoneSigners;
    };
    static constexpr int stepSeconds = 30;
    static constexpr int inPlaceDelaySeconds = 90;
    static constexpr int parentDelaySeconds = 400;

    static bool isValid(const View& parent, const View& keys, const View& sets) {
        if (parent.delegated.empty()) return true;  // insecure: nothing is checked
        bool isTrusted = false;
        for (const int id : parent.delegated) isTrusted |= keys.published.contains(id) && keys.keySigners.contains(id);
        if (!isTrusted) return false;
        std::set<int> algorithms;
        std::set<int> covered;
        for (const int id : keys.published) algorithms.insert(id / 100);
        for (const int id : sets.zoneSigners)
            if (keys.published.contains(id)) covered.insert(id / 100);
        // The strictest resolver wants a signature by each algorithm that the keys have.
        return covered == algorithms;
    }

    // The distinct views of the last `seconds` before the moment, and at it.
    std::set<const View*> within(size_t at, uint32_t seconds) const {
        const size_t steps = seconds / stepSeconds;
        std::set<const View*> views;
        for (size_t i = at < steps ? 0 : at - steps; i <= at; ++i) views.insert(history_[i]);
        return views;
    }

    void decide(const RollDecision& decision) {
        if (!decision.isNewStage) {
            state_ = decision.state;
            return;
        }
        if (decision.action == KeyAction::dropAll) keys_.clear();
        if (decision.action == KeyAction::promoteSuccessors) promote();
        make(decision.generate, decision.state.stage);
        state_ = decision.state;
        changedAt_ = now_;
    }

    void promote() {
        std::set<KeyRole> replaced;
        for (const Key& key : keys_)
            if (key.isSuccessor) replaced.insert(key.role);
        std::erase_if(keys_, [&](const Key& key) { return !key.isSuccessor && replaced.contains(key.role); });
        for (Key& key : keys_) key.isSuccessor = false;
    }

    void make(Rolled rolled, Stage stage) {
        const auto add = [&](KeyRole role) {
            if (rolled == Rolled::every) algorithm_ += role == KeyRole::zsk ? 0 : 1;
            keys_.push_back({algorithm_ * 100 + nextKey_++, role, stage != Stage::firstSignatures});
        };
        if (rolled == Rolled::ksk || (rolled == Rolled::every && isSplit_)) add(KeyRole::ksk);
        if (rolled == Rolled::zsk || (rolled == Rolled::every && isSplit_)) add(KeyRole::zsk);
        if (rolled == Rolled::csk || (rolled == Rolled::every && !isSplit_)) add(KeyRole::csk);
    }

    void tick() {
        now_ += stepSeconds;
        const bool wasInPlace = state_.inPlaceAt != 0;
        if (!wasInPlace && now_ >= changedAt_ + inPlaceDelaySeconds) {
            apply();
            decide(*advance(state_, {Kind::inPlace, {}, zoneTtl}, now_, timing));
        }
        if (rowOf(state_.stage).wait == Wait::parent && state_.inPlaceAt != 0 &&
            now_ >= state_.inPlaceAt + parentDelaySeconds) {
            parentFollows();
            decide(*advance(state_, {Kind::parentAgrees, {}, timing.parentTtlSeconds}, now_, timing));
        }
        decide(*advance(state_, {}, now_, timing));
        if (views_.empty() || changed_) {
            views_.push_back(view_);
            views_.back().name = std::string(nameOf(state_.stage)) + "@" + std::to_string(now_);
            changed_ = false;
        }
        history_.push_back(&views_.back());
    }

    void apply() {
        view_.published.clear(), view_.keySigners.clear(), view_.zoneSigners.clear();
        for (const Key& key : keys_) {
            const KeyUsage usage = usageOf(state_.stage, key.role, key.isSuccessor);
            if (usage.isPublished) view_.published.insert(key.id);
            if (usage.signsKeys) view_.keySigners.insert(key.id);
            if (usage.signsZone) view_.zoneSigners.insert(key.id);
        }
        changed_ = true;
    }

    void parentFollows() {
        view_.delegated.clear();
        const Delegation wanted = rowOf(state_.stage).delegation;
        for (const Key& key : keys_)
            if (wanted != Delegation::removal && signsKeys(key.role) &&
                (wanted == Delegation::toCurrent || key.isSuccessor || !hasSuccessor(key.role)))
                view_.delegated.insert(key.id);
        if (wanted == Delegation::toCurrent)
            for (const Key& key : keys_)
                if (key.isSuccessor) view_.delegated.erase(key.id);
        changed_ = true;
    }

    bool hasSuccessor(KeyRole role) const {
        return std::any_of(keys_.begin(), keys_.end(),
                           [&](const Key& key) { return key.isSuccessor && key.role == role; });
    }

    bool isSplit_;
    RollState state_;
    UnixSeconds now_ = test::now;
    UnixSeconds changedAt_ = 0;
    std::vector<Key> keys_;
    int algorithm_ = 0;
    int nextKey_ = 0;
    View view_;
    bool changed_ = false;
    std::deque<View> views_;
    std::vector<const View*> history_;
};

TEST(RollMachine, NoMixtureOfCachesEverFailsToValidate) {
    for (const bool isSplit : {true, false}) {
        CacheModel model(isSplit);
        std::vector<Command> life = {Command::enable};
        if (isSplit) life.insert(life.end(), {Command::rollZsk, Command::rollKsk, Command::rollZsk});
        if (!isSplit) life.insert(life.end(), {Command::rollCsk, Command::rollCsk});
        life.insert(life.end(), {Command::rollAlgorithm, Command::disable});
        for (const Command which : life) {
            model.run(which);
            EXPECT_EQ(model.stage(), which == Command::disable ? Stage::unsignedZone : Stage::steady) << nameOf(which);
        }
        model.expectValid();
    }
}

}  // namespace
}  // namespace swb::dns::sign
