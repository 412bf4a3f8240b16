// JSON values (Boost.JSON) with limits on parsing and typed, path-reporting access.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace swb {

using Json = boost::json::value;
using JsonObject = boost::json::object;
using JsonArray = boost::json::array;

// Parses one document. Depth over 32 or size over maxBytes is an error, as is anything after the document.
Result<Json> parseJson(std::string_view text, size_t maxBytes = 1 << 20);
std::string toText(const Json& value);
// Two-space indentation, keys in their order: for people and golden files.
std::string toPrettyText(const Json& value);

// Reads members of an object and remembers the first thing wrong, with its path ("processes.web.command").
// Call finish() last: it reports unknown keys too, unless allowUnknown() was called.
class JsonReader {
  public:
    explicit JsonReader(const Json& value, std::string path = {});

    std::string string(std::string_view key);  // required
    std::string string(std::string_view key, std::string_view fallback);
    int64_t integer(std::string_view key);  // required
    int64_t integer(std::string_view key, int64_t fallback);
    double number(std::string_view key, double fallback);
    bool boolean(std::string_view key, bool fallback);
    std::vector<std::string> strings(std::string_view key);                            // absent: empty
    std::vector<std::pair<std::string, std::string>> stringMap(std::string_view key);  // absent: empty
    const Json* child(std::string_view key);                                           // null when absent or JSON null
    const JsonArray* array(std::string_view key);                                      // null when absent
    const JsonObject* object(std::string_view key);                                    // null when absent
    bool has(std::string_view key) const;

    void problem(std::string_view key, std::string_view what);
    void allowUnknown() { allowUnknown_ = true; }
    const std::string& path() const { return path_; }
    std::string pathOf(std::string_view key) const;
    Result<void> finish();

  private:
    const Json* find(std::string_view key);

    const JsonObject* object_ = nullptr;
    std::string path_;
    std::vector<std::string> seen_;
    std::optional<Error> error_;
    bool allowUnknown_ = false;
};

// Members by key without a reader, for values this program wrote itself; fallback when absent or of another type.
std::string textAt(const Json& value, std::string_view key, std::string_view fallback = {});
int64_t integerAt(const Json& value, std::string_view key, int64_t fallback = 0);
bool booleanAt(const Json& value, std::string_view key, bool fallback = false);
const Json* memberAt(const Json& value, std::string_view key);

// Error <-> {"code": "SWB-…", "message": …, "hint": …}
Json errorToJson(const Error& error);
Error errorFromJson(const Json& value);

}  // namespace swb
