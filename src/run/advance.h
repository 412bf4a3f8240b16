// One transition of a run in the making: the run as it was, changed by one input, with the effects and sentences that
// come of it. Internal to src/run: engine.cpp says what each input means, advance.cpp moves the run on. Lives for one
// apply().
#pragma once

#include "run/engine.h"

namespace swb::run {

// Not heard of yet.
inline bool isPending(const CommandRecord& record) {
    return record.state == CommandState::sent || record.state == CommandState::unknown;
}

class Engine {
  public:
    Engine(const StepCatalogue& catalogue, const Run& run, UnixMs now) : catalogue_(catalogue), now_(now) {
        out_.run = run;
    }

    // One overload per input.
    Result<void> on(const Start&);
    Result<void> on(const CommandOutcome& outcome);
    Result<void> on(const CommandNeverArrived& input);
    Result<void> on(const CommandNotSent& input);
    Result<void> on(const CommandStillRunning& input);
    Result<void> on(const ServerLost& input);
    Result<void> on(const ServerBack& input);
    Result<void> on(const Recover&);
    Result<void> on(const Tick&);
    Result<void> on(const Pause&);
    Result<void> on(const Resume&);
    Result<void> on(const Retry&);
    Result<void> on(const Skip& input);
    Result<void> on(const Abort& input);

    Transition finish() { return std::move(out_); }

  private:
    Run& run() { return out_.run; }
    void say(std::string sentence) { out_.sentences.push_back(std::move(sentence)); }
    void touch() { out_.changed = true; }
    void effect(Effect::Kind kind, const std::string& id) { out_.effects.push_back({kind, id}); }

    CommandRecord* findCommand(std::string_view id);
    Step& stepOf(const CommandRecord& record);
    void enter(RunState state, std::string_view cause);
    void settleState();
    void advance();
    void advanceForward();
    void advanceBackward();
    void startFrom(size_t index);
    void begin(Step& step, bool undo);
    // Judges a running step whose commands are all in; true if the step changed state.
    void judge(Step& step);
    void stepFailed(Step& step, Error error);
    void stepDone(Step& step, Json result);
    void turnRound(Turn turn);
    bool waitsForOutcome(const Step& step) const;
    std::vector<CommandRecord*> current(Step& step, bool undo);
    void scheduleRetry(Step& step);
    // Failed for a reason that time does not end: no further attempt by itself, and no event.
    bool awaitsPerson(const Step& step) const;
    bool awaitsDecision(const Step& step) const { return step.retryAt || awaitsPerson(step); }
    bool pausable(size_t next) const;
    bool overBudget() const;
    // A promotion that may have begun: only its outcome may say which way the run goes.
    Step* promotionUnderWay();
    void finishRun();
    void markUnknown(CommandRecord& record);
    void ask(CommandRecord& record);

    const StepCatalogue& catalogue_;
    UnixMs now_;
    Transition out_;
};

}  // namespace swb::run
