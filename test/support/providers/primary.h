// primary.py as a child process: a place to publish at, real or a stand-in.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"

extern char** environ;

namespace swb::test {

// primary.py as a child: ready when it has printed its facts, ended by closing its input.
class Primary {
  public:
    explicit Primary(const std::string& kind) {
        int toChild[2], fromChild[2];
        if (::pipe2(toChild, O_CLOEXEC) != 0 || ::pipe2(fromChild, O_CLOEXEC) != 0) return;
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, toChild[0], 0);
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1);
        std::string program = "/usr/bin/python3", noCache = "-B",
                    script = SWB_SOURCE_DIR "/test/support/providers/primary.py", argument = kind;
        char* argv[] = {program.data(), noCache.data(), script.data(), argument.data(), nullptr};
        if (::posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv, environ) != 0) pid_ = -1;
        posix_spawn_file_actions_destroy(&actions);
        ::close(toChild[0]);
        ::close(fromChild[1]);
        input_ = toChild[1];
        std::string line;
        for (char c = 0; ::read(fromChild[0], &c, 1) == 1 && c != '\n';) line += c;
        ::close(fromChild[0]);
        if (const auto json = parseJson(line)) facts = *json;
        EXPECT_TRUE(facts.is_object() && !memberAt(facts, "error")) << kind << ": " << line;
    }
    ~Primary() {
        ::close(input_);
        if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    }
    Primary(const Primary&) = delete;
    Primary& operator=(const Primary&) = delete;

    Json facts = JsonObject{};

  private:
    pid_t pid_ = -1;
    int input_ = -1;
};

}  // namespace swb::test
