#include "lab/state.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"

namespace swb::lab {

std::string defaultDirectory() {
    const char* state = std::getenv("XDG_STATE_HOME");
    if (state && state[0] == '/') return std::string(state) + "/swingbridge-lab";
    if (::geteuid() == 0) return "/var/lib/swingbridge-lab";
    const char* home = std::getenv("HOME");
    return (home && home[0] == '/' ? std::string(home) : "/tmp") + "/.local/state/swingbridge-lab";
}

Result<std::string> normalDirectory(const std::string& directory) {
    std::error_code error;
    const auto absolute = std::filesystem::absolute(directory, error);
    auto normal = error ? std::filesystem::path() : std::filesystem::weakly_canonical(absolute, error);
    std::string text = normal.string();
    while (text.size() > 1 && text.back() == '/') text.pop_back();
    if (error || text.empty() || text == "/")
        return fail(ErrorCode::InvalidInput, "'" + directory.substr(0, 200) + "' is no directory for a lab");
    // It goes into nginx's and PostgreSQL's configuration, where quoting has its limits.
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@:,=";
    if (text.find_first_not_of(plain) != std::string::npos || text.size() > 300)
        return fail(ErrorCode::InvalidInput,
                    "the lab's directory must be a short path of plain letters: " + text.substr(0, 300),
                    "choose another --dir");
    return text;
}

Result<World> loadWorld(const std::string& directory) {
    const std::string path = directory + "/lab.json";
    const auto text = readFile(path, 256 << 10);
    if (!text && text.error().code == ErrorCode::NotFound)
        return fail(ErrorCode::NotFound, "there is no lab in " + directory, "start one: swing lab up");
    if (!text) return fail(text.error().within(path));
    auto value = parseJson(*text);
    auto world = value ? worldFromJson(*value) : Result<World>(fail(value.error()));
    if (!world) return fail(world.error().within(path));
    // Whoever moved or copied it: its servers have the old paths in their files.
    if (world->directory != directory)
        return fail(ErrorCode::InvalidInput, path + " belongs to " + world->directory, "a lab cannot be moved");
    return world;
}

Result<void> storeWorld(const World& world) {
    return writeFileAtomically(world.stateFile(), toPrettyText(toJson(world)) + "\n");
}

std::vector<std::string> ownDirectories(const World& world) {
    std::vector<std::string> out{world.directory};
    if (!world.socketDirectory.starts_with(world.directory + "/")) out.push_back(world.socketDirectory);
    return out;
}

std::string holdFile(const std::string& directory, const std::string& program) {
    return directory + "/hold/" + program;
}
std::string environmentFile(const std::string& directory, const std::string& program) {
    return directory + "/environment/" + program;
}

}  // namespace swb::lab
