#include "lab/down.h"

#include <signal.h>

#include "driver/support/files.h"
#include "lab/lab_processes.h"
#include "lab/state.h"
#include "lab/supervisor.h"

namespace swb::lab {
namespace {

constexpr int64_t politeMs = 12'000;

void endSupervisor(const driver::ProcessIdentity& supervisor) {
    const SystemClock clock;
    driver::sendSignal(supervisor, SIGTERM);
    if (driver::awaitExit(supervisor, clock.monotonic() + politeMs)) return;
    driver::sendSignal(supervisor, SIGKILL);
    (void)driver::awaitExit(supervisor, clock.monotonic() + 2000);
}

}  // namespace

Result<void> removeLab(const std::string& directory) {
    const World world = TRY(loadWorld(directory));
    if (const auto supervisor = findSupervisor(directory)) endSupervisor(supervisor->identity);
    const auto own = ownDirectories(world);
    if (!endProcesses(own, [] {})) {
        std::string names;
        for (const LabProcess& process : processesOf(own))
            names += (names.empty() ? "" : ", ") + process.name + " " + std::to_string(process.identity.pid);
        return fail(ErrorCode::DeadlineExceeded, "processes of the lab do not end: " + names,
                    "end them, and try again");
    }
    // The state file's directory last: as long as it is there, `down` can be repeated.
    for (auto path = own.rbegin(); path != own.rend(); ++path) TRY_VOID(driver::removeTree(*path));
    return {};
}

}  // namespace swb::lab
