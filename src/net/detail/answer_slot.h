// Where the answer to one request arrives, from whatever thread, once. The connection may be gone by then.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "net/http_server.h"

namespace swb::net::detail {

class AnswerSlot {
  public:
    // wake is called with the lock held, so it must only post.
    explicit AnswerSlot(std::function<void()> wake) : wake_(std::move(wake)) {}

    void give(HttpResponse response) {
        std::lock_guard lock(mutex_);
        if (given_) return;
        given_ = true;
        if (!wake_) {
            if (response.stream) response.stream->close();
            return;
        }
        response_ = std::move(response);
        wake_();
    }
    std::optional<HttpResponse> take() {
        std::lock_guard lock(mutex_);
        return std::exchange(response_, std::nullopt);
    }
    void abandon() {
        std::lock_guard lock(mutex_);
        wake_ = nullptr;
        response_.reset();
    }

    // The function for the handler: when all copies of it are gone without a call, `give` gets a 500.
    static HttpRespond responder(std::shared_ptr<AnswerSlot> slot);

  private:
    std::mutex mutex_;
    bool given_ = false;
    std::optional<HttpResponse> response_;
    std::function<void()> wake_;
};

inline HttpRespond AnswerSlot::responder(std::shared_ptr<AnswerSlot> slot) {
    struct Guard {
        std::shared_ptr<AnswerSlot> slot;
        explicit Guard(std::shared_ptr<AnswerSlot> slot_) : slot(std::move(slot_)) {}
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        ~Guard() {
            slot->give(HttpResponse::error(Error(ErrorCode::Bug, "the request was dropped without an answer")));
        }
    };
    auto guard = std::make_shared<Guard>(std::move(slot));
    return [guard](HttpResponse response) { guard->slot->give(std::move(response)); };
}

}  // namespace swb::net::detail
