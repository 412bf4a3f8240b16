// The same work on several things at once, each in its own thread, which is as hurried as the caller's; the last one in
// the caller's.
#pragma once

#include <future>
#include <vector>

#include "base/result.h"
#include "driver/support/urgency.h"

namespace swb::agent {

template <typename Item, typename Work>
auto inParallel(std::vector<Item>& items, const Work& work) -> std::vector<decltype(work(items.front()))> {
    using Answer = decltype(work(items.front()));
    std::vector<std::future<Answer>> others;
    const bool wanted = driver::HurriedThread::isHurried();
    for (size_t i = 0; i + 1 < items.size(); ++i)
        others.push_back(std::async(std::launch::async, [&work, &item = items[i], wanted] {
            const driver::HurriedThread hurried(wanted);
            return work(item);
        }));
    std::vector<Answer> answers;
    if (items.empty()) return answers;
    Answer last = work(items.back());
    for (auto& other : others) answers.push_back(other.get());
    answers.push_back(std::move(last));
    return answers;
}

template <typename T>
const Error* firstError(const std::vector<Result<T>>& results) {
    for (const auto& result : results)
        if (!result) return &result.error();
    return nullptr;
}

}  // namespace swb::agent
