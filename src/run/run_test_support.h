// A catalogue of steps like a switch's, and a run of them that is driven by hand: for the tests of the engine.
#pragma once

#include <gtest/gtest.h>

#include <set>

#include "run/engine.h"

namespace swb::run::test {

// Steps like a switch's: two servers, an overlapping step, a step without commands, a point of no return.
class FakeKind final : public StepKind {
  public:
    FakeKind(std::string name, std::vector<std::string> act, std::vector<std::string> undo)
        : name_(std::move(name)), act_(std::move(act)), undo_(std::move(undo)) {}
    std::string_view name() const override { return name_; }
    std::vector<CommandSpec> act(const Run&, const Step&) const override { return specs(act_, "do"); }
    Result<Json> verify(const Run&, const Step& step) const override {
        return Json(JsonObject{{"detail", step.name + " verified"}});
    }
    std::vector<CommandSpec> undo(const Run&, const Step&) const override { return specs(undo_, "undo"); }

  private:
    std::vector<CommandSpec> specs(const std::vector<std::string>& servers, std::string_view what) const {
        std::vector<CommandSpec> out;
        for (const std::string& server : servers)
            out.push_back({server, server, name_ + "." + std::string(what), Json(JsonObject{}), 1000});
        return out;
    }
    std::string name_;
    std::vector<std::string> act_, undo_;
};

inline const StepCatalogue& catalogue() {
    static const StepCatalogue instance = [] {
        StepCatalogue steps;
        steps.add(
            std::make_unique<FakeKind>("prepare", std::vector<std::string>{"a", "b"}, std::vector<std::string>{}));
        steps.add(std::make_unique<FakeKind>("fence", std::vector<std::string>{"a"}, std::vector<std::string>{"a"}));
        steps.add(std::make_unique<FakeKind>("guard", std::vector<std::string>{}, std::vector<std::string>{}));
        steps.add(std::make_unique<FakeKind>("promote", std::vector<std::string>{"b"}, std::vector<std::string>{}));
        steps.add(std::make_unique<FakeKind>("activate", std::vector<std::string>{"b"}, std::vector<std::string>{}));
        steps.add(std::make_unique<FakeKind>("rejoin", std::vector<std::string>{"a"}, std::vector<std::string>{}));
        return steps;
    }();
    return instance;
}

inline Run newRun() {
    Run run;
    run.id = "r-1";
    run.kind = "switch";
    run.outageBudgetMs = 5000;
    for (const char* name : {"prepare", "fence", "guard", "promote", "activate", "rejoin"}) {
        Step step;
        step.name = step.kind = name;
        step.holdsTraffic = step.inOutage = std::set<std::string>{"fence", "guard", "promote", "activate"}.count(name);
        step.pointOfNoReturn = step.name == "promote";
        step.overlaps = step.name == "activate";
        step.skippable = step.name == "rejoin";
        run.steps.push_back(step);
    }
    return run;
}

// Drives a run by hand: keeps its state, its clock and the effects of the last input.
struct Driver {
    Run run = newRun();
    UnixMs now = 1'000'000;
    std::vector<Effect> effects;

    Result<void> give(const Input& input) {
        auto transition = apply(catalogue(), run, input, now);
        if (!transition) return fail(transition.error());
        // What is stored must be what comes back.
        EXPECT_EQ(toText(toStored(*fromStored(toStored(transition->run)))), toText(toStored(transition->run)));
        run = transition->run;
        effects = transition->effects;
        return {};
    }
    std::string sent(Effect::Kind kind = Effect::Kind::send) const {
        std::string out;
        for (const Effect& effect : effects)
            if (effect.kind == kind) out += (out.empty() ? "" : " ") + effect.commandId;
        return out;
    }
    void done(const std::string& id) {
        ASSERT_TRUE(give(CommandOutcome{id, CommandState::done, Json(JsonObject{}), {}}));
    }
    void failed(const std::string& id) {
        ASSERT_TRUE(give(CommandOutcome{id, CommandState::failed, {}, Error(ErrorCode::DatabaseFailed, "no")}));
    }
    void toPromote() {
        ASSERT_TRUE(give(Start{}));
        done("r-1.prepare.0.act1");
        done("r-1.prepare.1.act1");
        done("r-1.fence.0.act1");
    }
    void pastPromote() {
        toPromote();
        done("r-1.promote.0.act1");
        done("r-1.activate.0.act1");
    }
};

}  // namespace swb::run::test
