// YAML to JSON with the place of every value, for definition files written by people.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/json.h"

namespace swb {

struct YamlDocument {
    struct Place {
        int line = 0, column = 0;  // from 1
    };
    Json value;
    std::map<std::string, Place> places;  // by path as JsonReader writes them: "processes.web.command"

    // An error whose message begins with a path gets " (line L, column C)" put behind that path.
    Error placed(const Error& error) const;
};

// Plain scalars become booleans, whole numbers, null or strings; quoted ones stay strings. Aliases count as what they
// stand for: over 20,000 values or a depth of 24 is refused, as are duplicate keys and more than one document.
Result<YamlDocument> parseYaml(std::string_view text, size_t maxBytes = 1 << 20);

}  // namespace swb
