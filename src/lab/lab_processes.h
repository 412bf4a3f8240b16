// Which processes belong to a lab, told by what they are, not by who remembers them: a supervisor that was killed left
// them to init, and pid files lie. A process is marked as the lab's when it writes its errors into the lab's directory,
// as everything that a supervisor or an agent starts does, or is one of the lab's servers with a path in there among
// its arguments. With it go its descendants, and its session where it leads one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "driver/support/process_identity.h"

namespace swb::lab {

struct LabProcess {
    driver::ProcessIdentity identity;
    pid_t parent = 0, session = 0;
    bool marked = false;    // by itself, not by kinship
    std::string name;       // "postgres"
    std::string directory;  // working directory, as far as it can be seen
};

// Pure: those of `all` that belong. Never `self`, its session or its ancestors, whatever their marks.
std::vector<LabProcess> belonging(const std::vector<LabProcess>& all, pid_t self);
// Does a command line, its words ended by NUL, name one of the directories or something in it?
bool mentions(std::string_view arguments, const std::vector<std::string>& directories);

// Those of the lab in these directories, as far as this user can see.
std::vector<LabProcess> processesOf(const std::vector<std::string>& directories);

// Ends them: first the controller and the agents, which would start the others again; then databases by a fast
// shutdown, everything else by SIGTERM; after a while all by SIGKILL. `reap` is called
// between looks, to collect the ends of children. False: some are left.
bool endProcesses(const std::vector<std::string>& directories, const std::function<void()>& reap);

}  // namespace swb::lab
