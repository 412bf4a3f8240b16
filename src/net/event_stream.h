// The sending end of one text/event-stream answer (WHATWG server-sent events).
//
//   handler ── send() ──► bounded queue ──► net thread ──► reader
//
// A handler puts a new EventStream into its HttpResponse and keeps a reference; any thread may send. A reader that
// does not keep up fills the queue and is cut: it comes back with Last-Event-ID and reads what it missed from the event
// log, so nothing waits for it here. Never blocks.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace swb::net {

namespace detail {
class Outbox;
}

class EventStream {
  public:
    explicit EventStream(size_t queueBytes = 256 << 10);
    ~EventStream();
    EventStream(const EventStream&) = delete;
    EventStream& operator=(const EventStream&) = delete;

    // One event in wire form. `data` may have several lines; `id` and `event` may be empty and have no line breaks.
    static std::string format(std::string_view id, std::string_view event, std::string_view data);

    // text: whole events in wire form. False: the reader is gone, or was too slow and is gone now.
    bool send(std::string text);
    // Ends the answer after what is queued.
    void close();
    bool closed() const;
    // Calls `callback` once, when the reader is gone or close() was called; at once if that is already so. The
    // callback may come from any thread, also from within send(), and must not block. One callback per stream.
    void onClosed(std::function<void()> callback);

    // For the server only.
    const std::shared_ptr<detail::Outbox>& outbox() const { return outbox_; }

  private:
    std::shared_ptr<detail::Outbox> outbox_;
};

}  // namespace swb::net
