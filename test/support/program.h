// Running one program to its end, without a shell, for tests that use the tools an administrator would.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

extern char** environ;

namespace swb::test {

struct ProgramEnd {
    int status = -1;     // exit status; 127 when there is no such program
    std::string output;  // standard output and error together
};

inline ProgramEnd runProgram(const std::vector<std::string>& arguments) {
    ProgramEnd end;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return end;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    std::vector<char*> words;
    for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    pid_t child = 0;
    const int problem = ::posix_spawnp(&child, words[0], &actions, nullptr, words.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (problem == 0) {
        char buffer[4096];
        for (ssize_t count = 0; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;)
            end.output.append(buffer, static_cast<size_t>(count));
        int status = 0;
        ::waitpid(child, &status, 0);
        end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    } else {
        end.status = 127;
        end.output = arguments[0] + " does not start: install what scripts/dependencies names";
    }
    ::close(ends[0]);
    return end;
}

}  // namespace swb::test
