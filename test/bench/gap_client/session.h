// One session of a client that writes, with a deadline on everything: it must never be the slow part of a switch. It
// knows the servers of both sites and looks for the one that accepts writes; it uses no name server.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace swb::bench {

struct Deadlines {
    int connectMs = 250;     // one attempt
    int statementMs = 1000;  // one insert
};

// Why an operation failed, as a short key to count by: an SQLSTATE, an error's number or name, or "connect:refused",
// "lost", "deadline". Empty when it did not fail.
using Trouble = std::string;

class Session {
  public:
    virtual ~Session() = default;
    virtual bool connected() const = 0;
    // One attempt; the next one begins with another server.
    virtual Trouble connect() = 0;
    // Answers when the server said that the tag is written. After any trouble the session is closed.
    virtual Trouble insert(const std::string& tag) = 0;
};

// What has to have a write before it counts as acknowledged; every part that is given.
struct Target {
    std::string conninfo;              // PostgreSQL's, with all hosts; password: PGPASSWORD
    std::vector<std::string> mariadb;  // HOST:PORT; password: MYSQL_PWD
    std::string user, database;        // MariaDB's
    std::vector<std::string> redis;    // HOST:PORT; password: REDISCLI_AUTH
    std::string redisUser;             // empty: the default user
};

// Empty when it can be used, or what is wrong with it.
std::string problemOf(const Target& target);
// Of a target that has no problem.
std::unique_ptr<Session> makeSession(const Target& target, Deadlines deadlines);

}  // namespace swb::bench
