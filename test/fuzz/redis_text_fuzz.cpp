// INFO of a server, redis.conf and ACL files around what administrators wrote there, and the role file.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "driver/redis/config_text.h"
#include "driver/redis/info.h"
#include "driver/redis/role_file.h"
#include "driver/redis/server_state.h"

using namespace swb::driver::redis;

namespace {

void configuration(const std::string& text, const std::string& value) {
    constexpr std::string_view path = "/var/lib/agent/role.conf", user = "swingbridge";
    const std::string included = withIncludeLast(text, path);
    SWB_ASSERT(endsWithInclude(included, path), "our include is the last line");
    SWB_ASSERT(withIncludeLast(included, path) == included, "including twice is including once");
    SWB_ASSERT(lastSetting(included, "port") == lastSetting(text, "port"), "another setting stays");
    const std::string with = withUser(included, user, "on #aa +@all");
    SWB_ASSERT(userRules(with, user) == (std::vector<std::string>{"on", "#aa", "+@all"}), "a user is read back");
    SWB_ASSERT(withUser(with, user, "on #aa +@all") == with, "writing twice is writing once");
    SWB_ASSERT(endsWithInclude(with, path), "a user comes before our include");
    SWB_ASSERT(!userRules(withUser(with, user, std::nullopt), user), "a removed user is gone");
    const auto words = wordsOf(lineOf({"name", value}));
    SWB_ASSERT(words && words->size() == 2 && (*words)[1] == value, "a word is read back as it was written");
}

void role(const std::string& text, const std::string& value) {
    RoleFile file = RoleFile::parse(text);
    file.set("masterauth", value);
    file.startFollowing({"10.0.0.5", 7001});
    const RoleFile read = RoleFile::parse(file.text());
    SWB_ASSERT(read.get("masterauth") == value && read.start() == RoleFile::Start::following, "a role is read back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const std::string half = text.substr(0, text.size() / 2), rest = text.substr(text.size() / 2);
    const Info info = Info::parse(text);
    (void)info.replicas();
    (void)ServerState::of(info);
    SWB_ASSERT(info.keys() >= 0, "keys are counted without overflow");
    if (const auto position = parsePosition(text))
        SWB_ASSERT(parsePosition(position->text()) == position, "a position is read back");
    configuration(half, rest);
    role(text, half);
    return 0;
}
