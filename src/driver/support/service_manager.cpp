#include "driver/support/service_manager.h"

#include "driver/support/program.h"

namespace swb::driver {

namespace {

class SystemdManager final : public ServiceManager {
  public:
    explicit SystemdManager(std::string unit) : unit_(std::move(unit)) {
        if (unit_.find('.') == std::string::npos) unit_ += ".service";
    }

    Result<void> start(const Context& context) override {
        if (isMasked(context))
            return fail(ErrorCode::GuardRefused, unit_ + " is masked: a fence holds it",
                        "It is unmasked by the run that fenced it.");
        return call({"start", unit_}, context);
    }
    Result<void> stop(const Context& context) override { return call({"stop", unit_}, context); }
    Result<void> reload(const Context& context) override { return call({"reload", unit_}, context); }
    // Not --runtime: the mask must still be there after a reboot. systemd refuses to mask a unit whose file lies in
    // /etc/systemd/system itself; that error names the file, and the remedy is the administrator's.
    Result<void> mask(const Context& context) override { return call({"mask", unit_}, context); }
    Result<void> unmask(const Context& context) override { return call({"unmask", unit_}, context); }
    bool isRunning(const Context& context) override {
        const auto outcome = run({"is-active", unit_}, context);
        return outcome && outcome->succeeded();
    }
    bool isMasked(const Context& context) override {
        // "masked" with exit status 1; other states vary by version, so the word decides.
        const auto outcome = run({"is-enabled", unit_}, context);
        return outcome && outcome->output.rfind("masked", 0) == 0;
    }

  private:
    Result<ProgramOutcome> run(std::vector<std::string> arguments, const Context& context) const {
        ProgramCall call;
        call.argv = {"systemctl", "--no-ask-password"};
        call.argv.insert(call.argv.end(), arguments.begin(), arguments.end());
        return runProgram(call, context);
    }
    Result<void> call(std::vector<std::string> arguments, const Context& context) const {
        const std::string verb = arguments.front();
        const auto outcome = TRY(run(std::move(arguments), context));
        if (outcome.succeeded()) return {};
        return fail(ErrorCode::CommandFailed, "systemctl " + verb + " " + unit_ + " failed: " + outcome.errors,
                    "See systemctl status and journalctl for the unit.");
    }

    std::string unit_;
};

}  // namespace

std::unique_ptr<ServiceManager> makeSystemdManager(std::string unit) {
    return std::make_unique<SystemdManager>(std::move(unit));
}

}  // namespace swb::driver
