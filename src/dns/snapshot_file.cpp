#include "dns/snapshot_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/file.h"
#include "base/log.h"

namespace swb::dns {
namespace {

Result<void> moveAside(const std::string& path, const Error& problem) {
    const std::string aside = path + ".damaged";
    if (std::rename(path.c_str(), aside.c_str()) != 0)
        return fail(ErrorCode::StorageFailed, "cannot move " + path + " aside: " + std::strerror(errno));
    logError("dns", "the zone file {} is damaged and was moved to {}: {}", path, aside, describe(problem));
    return {};
}

}  // namespace

std::string zoneFileText(const ZoneSnapshot& zone) {
    return toText(zoneToJson(zone.definition())) + "\n";
}

Result<ZonePointer> zoneFromFileText(std::string_view text) {
    const Json document = TRY(parseJson(text, zoneFileBytesMax));
    return ZoneSnapshot::build(TRY(zoneFromJson(document)));
}

Result<std::unique_ptr<SnapshotFile>> SnapshotFile::open(std::string path) {
    std::unique_ptr<SnapshotFile> file(new SnapshotFile(std::move(path)));
    if (!fileExists(file->path_)) return file;
    const std::string text = TRY(readFile(file->path_, zoneFileBytesMax));
    auto zone = zoneFromFileText(text);
    if (zone)
        file->latest_ = *std::move(zone);
    else
        TRY_VOID(moveAside(file->path_, zone.error()));
    return file;
}

ZonePointer SnapshotFile::latest() const {
    const std::lock_guard lock(mutex_);
    return latest_;
}

Result<void> SnapshotFile::save(const ZonePointer& zone) {
    const std::lock_guard lock(mutex_);
    if (latest_) {
        TRY_VOID(checkSuccessor(*latest_, *zone));
        if (latest_->definition() == zone->definition()) return {};
    }
    const std::string text = zoneFileText(*zone);
    if (text.size() > zoneFileBytesMax)
        return fail(ErrorCode::TooLarge, "the zone takes " + std::to_string(text.size()) + " bytes as a file");
    TRY_VOID(writeFileAtomically(path_, text));
    latest_ = zone;
    return {};
}

}  // namespace swb::dns
