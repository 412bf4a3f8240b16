#include "net/detail/outbox.h"

#include <utility>

namespace swb::net::detail {

namespace {
// Charged for each text beyond its bytes, so that a flood of empty ones is bounded too.
constexpr size_t itemCost = 64;
}  // namespace

bool Outbox::push(std::string text) {
    std::unique_lock lock(mutex_);
    if (state_ != State::open) return false;
    const size_t cost = text.size() + itemCost;
    if (bytes_ + cost > bytesMax_) {
        leaveOpen(std::move(lock), State::cut, "the peer reads too slowly: its queue was full");
        return false;
    }
    bytes_ += cost;
    queue_.push_back(std::move(text));
    if (queue_.size() == 1 && wake_) wake_();
    return true;
}

void Outbox::close(std::string reason) {
    leaveOpen(std::unique_lock(mutex_), State::closing, std::move(reason));
}

void Outbox::cut(std::string reason) {
    leaveOpen(std::unique_lock(mutex_), State::cut, std::move(reason));
}

bool Outbox::closed() const {
    std::lock_guard lock(mutex_);
    return state_ != State::open;
}

void Outbox::onClosed(std::function<void()> callback) {
    {
        std::lock_guard lock(mutex_);
        if (state_ == State::open) {
            closedCallback_ = std::move(callback);
            return;
        }
    }
    callback();
}

void Outbox::attach(std::function<void()> wake) {
    std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
}

void Outbox::detach() {
    {
        std::lock_guard lock(mutex_);
        wake_ = nullptr;
    }
    cut("the connection ended");
}

std::optional<std::string> Outbox::pop() {
    std::lock_guard lock(mutex_);
    if (queue_.empty()) return std::nullopt;
    std::string text = std::move(queue_.front());
    queue_.pop_front();
    bytes_ -= text.size() + itemCost;
    return text;
}

bool Outbox::wasCut() const {
    std::lock_guard lock(mutex_);
    return state_ == State::cut;
}

std::string Outbox::reason() const {
    std::lock_guard lock(mutex_);
    return reason_;
}

void Outbox::wake() {
    std::lock_guard lock(mutex_);
    if (wake_) wake_();
}

// The first reason stays; closing may still become cut.
void Outbox::leaveOpen(std::unique_lock<std::mutex> lock, State state, std::string reason) {
    if (state_ == State::cut || state_ == state) return;
    if (state_ == State::open) reason_ = std::move(reason);
    state_ = state;
    if (state == State::cut) {
        queue_.clear();
        bytes_ = 0;
    }
    if (wake_) wake_();
    const auto callback = std::exchange(closedCallback_, nullptr);
    lock.unlock();
    if (callback) callback();
}

}  // namespace swb::net::detail
