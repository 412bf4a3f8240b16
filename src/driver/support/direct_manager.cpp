#include "driver/support/direct_manager.h"

#include "base/file.h"

namespace swb::driver {

namespace {

class DirectManager final : public ServiceManager {
  public:
    explicit DirectManager(DirectService service) : service_(std::move(service)) {}

    Result<void> start(const Context& context) override {
        if (isMasked(context))
            return fail(ErrorCode::GuardRefused, "the server in " + service_.data + " is masked: a run holds it",
                        "It is unmasked by the run that masked it; repeat that.");
        if (isRunning(context)) return {};
        TRY_VOID(spawnDetached(service_.program()));
        return {};
    }
    Result<void> stop(const Context& context) override {
        const auto server = service_.find();
        if (!server) return {};
        sendSignal(*server, service_.stopSignal);
        if (!awaitExit(*server, context.deadline))
            return fail(ErrorCode::DeadlineExceeded, "the server in " + service_.data + " did not stop in time",
                        service_.stopHint);
        return {};
    }
    Result<void> reload(const Context&) override {
        if (service_.reloadSignal == 0) return {};
        const auto server = service_.find();
        if (!server || !sendSignal(*server, service_.reloadSignal))
            return fail(ErrorCode::DatabaseFailed, "the server in " + service_.data + " does not run");
        return {};
    }
    Result<void> mask(const Context&) override {
        if (fileExists(marker())) return {};
        return writeFileAtomically(marker(), "this server must not be started\n");
    }
    Result<void> unmask(const Context&) override { return removeFile(marker()); }
    bool isRunning(const Context&) override { return service_.find().has_value(); }
    bool isMasked(const Context&) override { return fileExists(marker()); }

  private:
    std::string marker() const { return service_.stateDirectory + "/masked"; }
    DirectService service_;
};

}  // namespace

std::unique_ptr<ServiceManager> makeDirectManager(DirectService service) {
    return std::make_unique<DirectManager>(std::move(service));
}

}  // namespace swb::driver
