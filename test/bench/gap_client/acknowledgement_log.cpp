#include "gap_client/acknowledgement_log.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/clock.h"

namespace swb::bench {

AcknowledgementLog::~AcknowledgementLog() {
    if (file_ != nullptr) std::fclose(file_);
}

Result<void> AcknowledgementLog::open(const std::string& path) {
    file_ = std::fopen(path.c_str(), "we");
    if (file_ == nullptr) {
        return fail(ErrorCode::StorageFailed, fmt::format("cannot write {}: {}", path, std::strerror(errno)));
    }
    return {};
}

void AcknowledgementLog::add(int writer, const std::string& tag) {
    const std::lock_guard lock(mutex_);
    if (std::fprintf(file_, "%.3f %d %s\n", preciseMs(), writer, tag.c_str()) < 0) failed_ = true;
    ++lines_;
}

Result<size_t> AcknowledgementLog::close() {
    const std::lock_guard lock(mutex_);
    if (std::fclose(std::exchange(file_, nullptr)) != 0) failed_ = true;
    if (failed_) return fail(ErrorCode::StorageFailed, "the acknowledgement log could not be written whole");
    return lines_;
}

}  // namespace swb::bench
