// Runs programs: always an argv array, never a shell; as another user when asked; with a deadline, a cancel check and
// captured output. A program started by runProgram() dies with the calling thread's process; one started by
// spawnDetached() outlives it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "driver/database_driver.h"
#include "driver/support/os_user.h"

namespace swb::driver {

struct ProgramCall {
    std::vector<std::string> argv;  // argv[0]: absolute path, or a name looked up in this process's PATH
    std::optional<OsUser> user;     // whom to run it as; only root can change users, others ignore it
    // Added to a small clean environment: PATH, HOME, USER, LANG=C, LC_ALL=C, TZ. Nothing else of ours is inherited.
    std::map<std::string, std::string> environment;
    std::string directory = "/";
    std::string input;  // written to its stdin
    // Descriptors of the caller's that are its stdin and stdout instead; -1: input above, and captured.
    int standardInput = -1, standardOutput = -1;
    size_t outputBytesMax = 1 << 20;  // of each stream kept (the last ones); more is read and dropped
    // Every piece of stdout or stderr as it comes, for progress.
    std::function<void(std::string_view piece)> onOutput;
};

struct ProgramOutcome {
    int exitCode = -1;  // -1: ended by a signal
    int signal = 0;
    std::string output;
    std::string errors;
    double milliseconds = 0;
    bool succeeded() const { return exitCode == 0; }
};

// The program's own failure is an outcome, not an error. Errors: CommandFailed when it cannot be started,
// DeadlineExceeded or Interrupted when it was killed (with everything in its process group) at the deadline or by
// cancel.
Result<ProgramOutcome> runProgram(const ProgramCall& call, const Context& context);
// The same, and an exit status other than 0 is CommandFailed with the last lines the program wrote.
Result<ProgramOutcome> runChecked(const ProgramCall& call, const Context& context);

struct DetachedProgram {
    std::vector<std::string> argv;
    std::optional<OsUser> user;
    std::map<std::string, std::string> environment;  // as in ProgramCall
    std::string directory = "/";
    std::string logFile;  // stdout and stderr are appended to it (created 0600, owned by the user); empty: /dev/null
};

// Starts it in its own session, not as a child of this process (no zombie, no signal of ours reaches it); answers its
// pid. An exec that fails is CommandFailed.
Result<pid_t> spawnDetached(const DetachedProgram& program);

// Read and write end; close-on-exec, above the standard descriptors.
Result<std::pair<Fd, Fd>> makePipe();

// Absolute path of a program by PATH; empty when there is none.
std::string findProgram(const std::string& name);

}  // namespace swb::driver
