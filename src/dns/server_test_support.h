// A name server on a free port of loopback, asked by dig.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dns/dns_test_support.h"
#include "dns/server.h"

extern char** environ;

namespace swb::dns::test {

class DnsServer : public testing::Test {
  protected:
    void start(ServerOptions options = {}, std::vector<std::string> endpoints = {"127.0.0.1:0"}) {
        for (const std::string& text : endpoints) options.endpoints.push_back(*Endpoint::fromText(text));
        auto started = Server::start(options, ZoneSet::of({exampleZone()}));
        ASSERT_TRUE(started) << describe(started.error());
        server_ = *std::move(started);
    }
    const Endpoint& endpoint(size_t index = 0) const { return server_->endpoints()[index]; }
    std::string serverText() const { return endpoint().toText(); }

    // dig's output; the arguments are followed by the server and its port.
    std::string dig(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "/usr/bin/dig");
        arguments.insert(arguments.end(), {"+tries=1", "+time=5", "-p", std::to_string(endpoint().port),
                                           "@" + endpoint().address.toText()});
        std::vector<char*> argv;
        for (std::string& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        const Fd reading(ends[0]);
        Fd writing(ends[1]);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, writing.get(), 1);
        ::posix_spawn_file_actions_adddup2(&actions, writing.get(), 2);
        pid_t pid = 0;
        EXPECT_EQ(::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ), 0);
        ::posix_spawn_file_actions_destroy(&actions);
        writing.reset();
        std::string output;
        char buffer[4096];
        for (ssize_t count = 0; (count = ::read(reading.get(), buffer, sizeof(buffer))) > 0;)
            output.append(buffer, static_cast<size_t>(count));
        ::waitpid(pid, nullptr, 0);
        return output;
    }

    std::unique_ptr<Server> server_;
};

}  // namespace swb::dns::test
