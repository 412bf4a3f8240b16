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
inline tl::unexpected<Error> fail(Error error) { return tl::make_unexpected(std::move(error)); }

}  // namespace swb

// A macro because only a macro can return from its caller.
#define TRY(expression)                                                            \
    ({                                                                             \
        auto swbTryResult = (expression);                                          \
        if (!swbTryResult) return ::swb::fail(std::move(swbTryResult).error());    \
        static_assert(!std::is_lvalue_reference_v<decltype(*std::move(swbTryResult))>); \
        std::move(*swbTryResult);                                                  \
    })

// The same for Result<void>.
#define TRY_VOID(expression)                                                    \
    do {                                                                        \
        auto swbTryResult = (expression);                                       \
        if (!swbTryResult) return ::swb::fail(std::move(swbTryResult).error()); \
    } while (false)
