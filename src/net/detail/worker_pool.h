// Threads for callbacks that may block, and an order among callbacks that belong together.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace swb::net::detail {

class WorkerPool {
  public:
    using Task = std::function<void()>;
    enum class Leftover { drop, run };

    // queueMax: tasks waiting, without those running.
    WorkerPool(size_t threads, size_t queueMax);
    ~WorkerPool();  // drops what is queued

    // False: the queue is full or the pool is stopped; the task is destroyed unrun.
    bool submit(Task task);
    // Waits for running tasks; those still queued are run or destroyed. Not from within a task.
    void stop(Leftover leftover);
    bool onOwnThread() const;

  private:
    void work();

    const size_t queueMax_;
    std::mutex mutex_;
    std::condition_variable filled_;
    std::deque<Task> queue_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

// Tasks of one owner on a shared pool: one at a time, in order.
class SerialQueue : public std::enable_shared_from_this<SerialQueue> {
  public:
    explicit SerialQueue(WorkerPool& pool) : pool_(pool) {}

    void push(WorkerPool::Task task);
    // Destroys what has not begun.
    void clear();

  private:
    void runSome();

    WorkerPool& pool_;
    std::mutex mutex_;
    std::deque<WorkerPool::Task> queue_;
    bool scheduled_ = false;
};

}  // namespace swb::net::detail
