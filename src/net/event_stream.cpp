#include "net/event_stream.h"

#include "net/detail/outbox.h"

namespace swb::net {

EventStream::EventStream(size_t queueBytes) : outbox_(std::make_shared<detail::Outbox>(queueBytes)) {}

// The last sender is gone, so nothing more can come.
EventStream::~EventStream() {
    outbox_->close("the sender ended the stream");
}

std::string EventStream::format(std::string_view id, std::string_view event, std::string_view data) {
    std::string text;
    text.reserve(id.size() + event.size() + data.size() + 32);
    if (!id.empty()) text.append("id: ").append(id).append("\n");
    if (!event.empty()) text.append("event: ").append(event).append("\n");
    size_t begin = 0;
    while (begin <= data.size()) {
        const size_t end = std::min(data.find('\n', begin), data.size());
        text.append("data: ").append(data.substr(begin, end - begin)).append("\n");
        begin = end + 1;
    }
    text.append("\n");
    return text;
}

bool EventStream::send(std::string text) {
    return outbox_->push(std::move(text));
}
void EventStream::close() {
    outbox_->close("the sender ended the stream");
}
bool EventStream::closed() const {
    return outbox_->closed();
}
void EventStream::onClosed(std::function<void()> callback) {
    outbox_->onClosed(std::move(callback));
}

}  // namespace swb::net
