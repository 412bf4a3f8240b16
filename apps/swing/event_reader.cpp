#include "swing/event_reader.h"

namespace swb::swing {
namespace {

constexpr size_t eventBytesMax = 1 << 20;

}  // namespace

Result<void> EventReader::take(std::string_view bytes, const std::function<void(const ServerEvent&)>& onEvent) {
    for (const char c : bytes) {
        if (c == '\n' && endedWithReturn_) {
            endedWithReturn_ = false;
            continue;
        }
        endedWithReturn_ = c == '\r';
        if (c == '\n' || c == '\r') {
            takeLine(pending_, onEvent);
            pending_.clear();
            continue;
        }
        pending_ += c;
        if (pending_.size() + event_.data.size() > eventBytesMax)
            return fail(ErrorCode::TooLarge, "the event stream carries an event of more than 1 MiB");
    }
    return {};
}

void EventReader::takeLine(std::string_view line, const std::function<void(const ServerEvent&)>& onEvent) {
    if (line.empty()) {
        if (hasData_) onEvent(event_);
        event_ = {};
        hasData_ = false;
        return;
    }
    const size_t colon = line.find(':');
    const std::string_view field = line.substr(0, colon);
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "data") {
        if (hasData_) event_.data += '\n';
        event_.data += value;
        hasData_ = true;
    } else if (field == "id") {
        event_.id = value;
    } else if (field == "event") {
        event_.type = value;
    }
}

}  // namespace swb::swing
