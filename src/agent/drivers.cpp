#include "agent/drivers.h"

#include <map>
#include <mutex>

namespace swb::agent {
namespace {

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

  private:
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
