// Typed errors. One catalogue (error.def) feeds the enum, the printed codes, the exit codes and the HTTP statuses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace swb {

enum class ErrorCode : uint16_t {
#define SWB_ERROR(name, code, class_, sentence) name,
#include "base/error.def"
#undef SWB_ERROR
};

enum class ErrorClass : uint8_t { usage, refused, missing, denied, failed, unknown, bug };

struct Error {
    ErrorCode code = ErrorCode::Bug;
    std::string message;  // one sentence for a person, without the code
    std::string hint;     // what to do about it; may be empty

    Error() = default;
    Error(ErrorCode code_, std::string message_, std::string hint_ = {})
        : code(code_), message(std::move(message_)), hint(std::move(hint_)) {}

    // The same error with words put before its message: where it happened.
    Error within(std::string_view where) const;
};

// "SWB-GROUP-BUSY"
std::string_view codeName(ErrorCode code);
std::string_view codeSentence(ErrorCode code);
ErrorClass codeClass(ErrorCode code);
std::optional<ErrorCode> codeFromName(std::string_view name);
std::vector<ErrorCode> allErrorCodes();

// DESIGN.md §3: 1 failed, 2 usage, 3 refused by a check, 4 outcome unknown.
int exitCode(ErrorCode code);
int httpStatus(ErrorCode code);

// "SWB-GROUP-BUSY: shop is busy with run r-12 (hint: …)"
std::string describe(const Error& error);

}  // namespace swb
