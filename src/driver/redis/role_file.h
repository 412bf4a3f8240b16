// The file of ours that redis.conf includes as its last line: what this server is when anybody starts it. A server's
// configuration file decides its role at a start and nobody asks the agent then, so every role is written here before
// the server is told.
//
//     alone      replicaof no one        nobody replicates from it: it may start as a primary
//     held       replicaof 127.0.0.1 1   a primary with a replica: it starts as a replica of nothing, read-only, and
//     only
//                                        the agent promotes it, after it has seen that the data came back. One that
//                                        lost its data would otherwise wipe its replica within a second of its start.
//     following  replicaof HOST PORT     a replica
//
// Besides: TLS, who we are at the peer, and the settings that a switch changes for a moment, with their lasting values
// (a CONFIG REWRITE in that moment would otherwise keep the momentary ones). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/address.h"

namespace swb::driver::redis {

class RoleFile {
  public:
    enum class Start { unsaid, alone, held, following };

    static RoleFile parse(std::string_view text);
    std::string text() const;

    std::optional<std::string> get(std::string_view name) const;
    void set(std::string_view name, std::string_view value);
    void remove(std::string_view name);

    Start start() const;
    HostPort primary() const;  // when following
    void startAlone() { start_ = {"no", "one"}; }
    void startHeld();
    void startFollowing(const HostPort& primary) { start_ = {primary.host, std::to_string(primary.port)}; }

  private:
    std::vector<std::pair<std::string, std::string>> settings_;
    std::vector<std::string> start_;  // the words behind replicaof; none: unsaid
};

// Where a held server looks for its primary: nothing listens there, and nobody but root could.
constexpr std::string_view nowhereHost = "127.0.0.1";
constexpr uint16_t nowherePort = 1;

}  // namespace swb::driver::redis
