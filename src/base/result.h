// Result<T>: a value or an Error. TRY() returns early with the error, as in:
//     auto group = TRY(store.get("group", name));
#pragma once

#include <tl/expected.hpp>

#include "base/error.h"

namespace swb {

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string hint = {}) {
    return tl::make_unexpected(Error(code, std::move(message), std::move(hint)));
}
inline tl::unexpected<Error> fail(Error error) {
    return tl::make_unexpected(std::move(error));
}

}  // namespace swb

// Macros because only a macro can return from its caller; __COUNTER__ keeps nested uses apart.
#define SWB_TRY_NAMED(name, expression)                         \
    ({                                                          \
        auto name = (expression);                               \
        if (!name) return ::swb::fail(std::move(name).error()); \
        std::move(*name);                                       \
    })
#define SWB_TRY_JOIN(prefix, number) prefix##number
#define SWB_TRY_UNIQUE(number, expression) SWB_TRY_NAMED(SWB_TRY_JOIN(swbTryResult, number), expression)
#define TRY(expression) SWB_TRY_UNIQUE(__COUNTER__, expression)

// The same for Result<void>.
#define SWB_TRY_VOID_NAMED(name, expression)                    \
    do {                                                        \
        auto name = (expression);                               \
        if (!name) return ::swb::fail(std::move(name).error()); \
    } while (false)
#define SWB_TRY_VOID_UNIQUE(number, expression) SWB_TRY_VOID_NAMED(SWB_TRY_JOIN(swbTryResult, number), expression)
#define TRY_VOID(expression) SWB_TRY_VOID_UNIQUE(__COUNTER__, expression)
