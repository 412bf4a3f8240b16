#include "agent/drivers.h"

#include <map>
#include <mutex>
#include <thread>

#include "driver/postgresql/connection.h"
#include "driver/support/os_user.h"

namespace swb::agent {
namespace {

using driver::postgresql::Connection;
using driver::postgresql::Parameters;

// The way the application itself comes in: by the address that its environment names, with its own user.
Parameters applicationParameters(const DatabaseSpec& spec, const Secret& password) {
    Parameters parameters = {
        {"host", spec.address.host}, {"port", std::to_string(spec.address.port)},    {"dbname", spec.database},
        {"user", spec.user},         {"application_name", "swingbridge-write-test"}, {"connect_timeout", "2"}};
    if (!password.empty()) parameters.emplace_back("password", password.reveal());
    return parameters;
}

// A transaction that takes an id and commits is written to the WAL, without needing a table.
Result<void> writeOnce(const Parameters& parameters, const driver::OsUser& user, MonotonicMs deadline) {
    Connection connection = TRY(Connection::open(parameters, user, deadline));
    TRY_VOID(connection.query("BEGIN READ WRITE", deadline));
    TRY_VOID(connection.query("SELECT pg_current_xact_id()", deadline));
    TRY_VOID(connection.query("COMMIT", deadline));
    return {};
}

class RealDrivers final : public Drivers {
  public:
    Result<driver::DatabaseDriver*> database(Engine engine) override {
        const std::lock_guard guard(mutex_);
        auto& made = databases_[engine];
        if (!made) made = TRY(driver::makeDatabaseDriver(engine));
        return made.get();
    }

    Result<driver::WebDriver*> web(Front front) override {
        const std::lock_guard guard(mutex_);
        auto& made = fronts_[front];
        if (!made) made = TRY(driver::makeWebDriver(front));
        return made.get();
    }

    driver::ProcessDriver& process() override {
        const std::lock_guard guard(mutex_);
        if (!process_) process_ = driver::makeProcessDriver();
        return *process_;
    }

    Result<void> writeAsApplication(const DatabaseSpec& spec, const Secret& password,
                                    const driver::Context& context) override {
        if (spec.engine != Engine::postgresql)
            return fail(ErrorCode::Unsupported, "no write test for the engine of database " + spec.name);
        const auto user = TRY(driver::currentOsUser());
        const Parameters parameters = applicationParameters(spec, password);
        // The server may still be coming up or in recovery: asked again until it writes.
        for (;;) {
            auto written = writeOnce(parameters, user, context.deadline);
            if (written) return {};
            if (context.cancelled() || context.remainingMs() < retryMs)
                return fail(written.error().within("a write to database " + spec.name + " as user " + spec.user));
            std::this_thread::sleep_for(std::chrono::milliseconds(retryMs));
        }
    }

  private:
    static constexpr int64_t retryMs = 5;

    std::mutex mutex_;
    std::map<Engine, std::unique_ptr<driver::DatabaseDriver>> databases_;
    std::map<Front, std::unique_ptr<driver::WebDriver>> fronts_;
    std::unique_ptr<driver::ProcessDriver> process_;
};

}  // namespace

std::unique_ptr<Drivers> makeDrivers() {
    return std::make_unique<RealDrivers>();
}

}  // namespace swb::agent
