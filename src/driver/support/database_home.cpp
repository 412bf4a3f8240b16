#include "driver/support/database_home.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "base/fd.h"
#include "base/file.h"
#include "driver/support/files.h"

namespace swb::driver {
namespace {

constexpr const char* seededRecord = "seeded";  // {at}
constexpr size_t recordBytesMax = 1 << 20;

// Stable for one data directory: two applications may both call their database "main".
std::string directoryName(const DatabaseSpec& spec) {
    uint64_t hash = 14695981039346656037ULL;  // FNV-1a
    for (const char c : spec.service.data) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211ULL;
    return fmt::format("{}-{:08x}", spec.name, static_cast<uint32_t>(hash ^ hash >> 32));
}

// Between the two renames of a seed the data directory has another name.
std::string existingData(const std::string& data) {
    for (const std::string& candidate :
         {data, data + std::string(formerDataSuffix), data + std::string(freshDataSuffix)})
        if (directoryExists(candidate)) return candidate;
    return {};
}

}  // namespace

Result<void> DatabaseHome::settle(const DatabaseSpec& spec, const Context& context) {
    spec_ = spec;
    if (!spec.service.runAs.empty())
        user_ = TRY(osUserByName(spec.service.runAs));
    else if (const std::string existing = existingData(spec.service.data); !existing.empty())
        user_ = TRY(ownerOf(existing));
    else if (::geteuid() != 0)
        user_ = TRY(currentOsUser());
    else
        return fail(ErrorCode::NotFound, "the data directory " + spec.service.data + " does not exist",
                    "Create it, or name the service's user with run_as.");
    state_ = context.stateDirectory + "/" + directoryName(spec);
    return makeDirectories(state_, 0711);
}

Json DatabaseHome::record(std::string_view name) const {
    const auto text = readFile(recordFile(name), recordBytesMax);
    if (!text) return nullptr;
    return parseJson(*text).value_or(nullptr);
}

Result<void> DatabaseHome::writeRecord(std::string_view name, const Json& content) const {
    return writeFileAtomically(recordFile(name), toText(content) + "\n");
}

Result<void> DatabaseHome::noteSeeded() const {
    return writeRecord(seededRecord, JsonObject{{"at", SystemClock().now()}});
}

Json DatabaseHome::seededAt() const {
    return integerAt(record(seededRecord), "at");
}

Result<void> DatabaseHome::removeRecord(std::string_view name) const {
    return removeFile(recordFile(name));
}

ProgramCall callAs(const OsUser& user, std::string program, std::vector<std::string> arguments) {
    ProgramCall call;
    call.argv = {std::move(program)};
    call.argv.insert(call.argv.end(), std::make_move_iterator(arguments.begin()),
                     std::make_move_iterator(arguments.end()));
    call.user = user;
    return call;
}

std::string endOfLog(const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return {};
    constexpr off_t tail = 600;
    const off_t size = ::lseek(file.get(), 0, SEEK_END);
    char buffer[tail];
    const ssize_t got = ::pread(file.get(), buffer, tail, std::max<off_t>(0, size - tail));
    return got > 0 ? std::string(buffer, static_cast<size_t>(got)) : std::string();
}

}  // namespace swb::driver
