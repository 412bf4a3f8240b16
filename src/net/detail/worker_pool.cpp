#include "net/detail/worker_pool.h"

#include <exception>

#include "base/assert.h"
#include "base/log.h"

namespace swb::net::detail {

namespace {
// Tasks of one owner run in a row before others of the pool get their turn.
constexpr int tasksInARow = 16;

void runLogged(const WorkerPool::Task& task) {
    try {
        task();
    } catch (const std::exception& thrown) {
        logError("net", "a callback threw: {}", thrown.what());
    }
}
}  // namespace

WorkerPool::WorkerPool(size_t threads, size_t queueMax) : queueMax_(queueMax) {
    threads_.reserve(threads);
    for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() {
    stop(Leftover::drop);
}

bool WorkerPool::submit(Task task) {
    {
        std::lock_guard lock(mutex_);
        if (stopping_ || queue_.size() >= queueMax_) return false;
        queue_.push_back(std::move(task));
    }
    filled_.notify_one();
    return true;
}

void WorkerPool::stop(Leftover leftover) {
    SWB_ASSERT(!onOwnThread(), "a callback stops the pool it runs on");
    std::deque<Task> dropped;  // destroyed outside the lock: destructors may call back
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        if (leftover == Leftover::drop) dropped.swap(queue_);
    }
    filled_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

bool WorkerPool::onOwnThread() const {
    for (const auto& thread : threads_) {
        if (thread.get_id() == std::this_thread::get_id()) return true;
    }
    return false;
}

void WorkerPool::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        filled_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        {
            const Task task = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();
            runLogged(task);
        }
        lock.lock();
    }
}

void SerialQueue::push(WorkerPool::Task task) {
    {
        std::lock_guard lock(mutex_);
        queue_.push_back(std::move(task));
        if (scheduled_) return;
        scheduled_ = true;
    }
    pool_.submit([self = shared_from_this()] { self->runSome(); });
}

void SerialQueue::clear() {
    std::deque<WorkerPool::Task> dropped;
    std::lock_guard lock(mutex_);
    dropped.swap(queue_);
}

void SerialQueue::runSome() {
    do {
        for (int i = 0; i < tasksInARow; ++i) {
            WorkerPool::Task task;
            {
                std::lock_guard lock(mutex_);
                if (queue_.empty()) {
                    scheduled_ = false;
                    return;
                }
                task = std::move(queue_.front());
                queue_.pop_front();
            }
            runLogged(task);
        }
        // A stopping pool takes nothing more, but this task is one of those it still runs: go on here.
    } while (!pool_.submit([self = shared_from_this()] { self->runSome(); }));
}

}  // namespace swb::net::detail
