// PostgreSQL.
//
// Connecting tries the hosts of a multi-host conninfo in their order and takes the one that accepts writes
// (target_session_attrs=read-write): so the new primary is found without DNS. libpq's blocking connect would wait on
// one silent host for whole seconds, therefore the non-blocking calls are driven here with a deadline for the whole
// attempt. libpq gives up at the first host that refuses for most reasons and goes on only for some: the caller rotates
// the hosts between attempts so that no host can hide the others.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gap_client/session.h"

namespace swb::bench {

// The parameters of a conninfo string, its hosts taken apart.
class PostgresqlTarget {
  public:
    // Returns an empty text, or what is wrong with the string.
    std::string parse(const std::string& conninfo);
    void rotate();
    // Keywords and values for libpq, valid until the next call on this object.
    std::pair<std::vector<const char*>, std::vector<const char*>> parameters();

  private:
    std::vector<std::pair<std::string, std::string>> options_;
    std::vector<std::pair<std::string, std::string>> hosts_;  // host, port
    std::string hostList_, portList_;
};

class PostgresqlSession final : public Session {
  public:
    PostgresqlSession(const std::string& conninfo, Deadlines deadlines);
    bool connected() const override { return session_ != nullptr; }
    Trouble connect() override;
    Trouble insert(const std::string& tag) override;

  private:
    Trouble prepare();
    Trouble finishStatement();

    struct Finish {
        void operator()(PGconn* session) const { PQfinish(session); }
    };
    PostgresqlTarget target_;
    Deadlines deadlines_;
    std::unique_ptr<PGconn, Finish> session_;
};

}  // namespace swb::bench
