// A bounded queue of texts from any thread to one consumer on the net thread, with one wake-up.
//
//   open ── close() ──► closing: what is queued still goes out ── consumer ends ──► ended
//     └──── cut(), or a push over the limit ──► cut: the queue is dropped ─────────────┘
//
// Producers may outlive the consumer and its whole server: after detach() nothing of it is touched.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace swb::net::detail {

class Outbox {
  public:
    explicit Outbox(size_t bytesMax) : bytesMax_(bytesMax) {}

    // Producers. False: not taken, because it is closed, or because it was full and is cut now.
    bool push(std::string text);
    void close(std::string reason);
    void cut(std::string reason);
    bool closed() const;
    void onClosed(std::function<void()> callback);

    // The consumer. wake is called with the lock held, so it must only post.
    void attach(std::function<void()> wake);
    void detach();  // ends: closed, queue dropped, no wake any more
    std::optional<std::string> pop();
    bool wasCut() const;
    std::string reason() const;
    void wake();

  private:
    enum class State { open, closing, cut };
    void leaveOpen(std::unique_lock<std::mutex> lock, State state, std::string reason);

    const size_t bytesMax_;
    mutable std::mutex mutex_;
    std::deque<std::string> queue_;
    size_t bytes_ = 0;
    State state_ = State::open;
    std::string reason_;
    std::function<void()> wake_;
    std::function<void()> closedCallback_;
};

}  // namespace swb::net::detail
