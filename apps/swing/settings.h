// Where the controller is and who is asking: flags before environment before the configuration file
// (${XDG_CONFIG_HOME:-~/.config}/swingbridge/swing.yaml: url, token_file, ca, ca_pin), each setting by itself.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace swb::swing {

struct ConnectionFlags {
    std::optional<std::string> url, token, ca, caPin;  // token: the text, @FILE, or - for stdin
};

struct ConnectionSettings {
    std::string url;    // https://host:port, without a final slash
    Secret token;       // empty: none given
    std::string caPem;  // empty: the system's authorities, or the pin
    std::string caPin;  // empty, or 64 hex digits
};

struct Surroundings {
    std::function<std::string(const char* name)> variable;  // empty when not set
    std::function<Result<std::string>()> standardInput;
};
Surroundings realSurroundings();

// An url is required; a token is not (the controller answers 401 where one is needed).
Result<ConnectionSettings> resolveSettings(const ConnectionFlags& flags, const Surroundings& surroundings);

}  // namespace swb::swing
