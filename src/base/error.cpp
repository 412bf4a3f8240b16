#include "base/error.h"

#include <array>

namespace swb {
namespace {

struct Row {
    ErrorCode code;
    std::string_view name;
    ErrorClass errorClass;
    std::string_view sentence;
};

constexpr std::array rows = {
#define SWB_ERROR(name, code, class_, sentence) Row{ErrorCode::name, code, ErrorClass::class_, sentence},
#include "base/error.def"
#undef SWB_ERROR
};

const Row& row(ErrorCode code) {
    return rows.at(static_cast<size_t>(code));
}

}  // namespace

Error Error::within(std::string_view where) const {
    Error copy = *this;
    copy.message = std::string(where) + ": " + message;
    return copy;
}

std::string_view codeName(ErrorCode code) {
    return row(code).name;
}
std::string_view codeSentence(ErrorCode code) {
    return row(code).sentence;
}
ErrorClass codeClass(ErrorCode code) {
    return row(code).errorClass;
}

std::optional<ErrorCode> codeFromName(std::string_view name) {
    for (const Row& r : rows)
        if (r.name == name) return r.code;
    return std::nullopt;
}

std::vector<ErrorCode> allErrorCodes() {
    std::vector<ErrorCode> codes;
    for (const Row& r : rows) codes.push_back(r.code);
    return codes;
}

int exitCode(ErrorCode code) {
    switch (codeClass(code)) {
        case ErrorClass::usage:
            return 2;
        case ErrorClass::refused:
            return 3;
        case ErrorClass::unknown:
            return 4;
        default:
            return 1;
    }
}

int httpStatus(ErrorCode code) {
    switch (code) {
        case ErrorCode::TooLarge:
            return 413;
        case ErrorCode::Forbidden:
            return 403;
        case ErrorCode::Busy:
            return 429;
        case ErrorCode::AgentMissing:
            return 503;
        case ErrorCode::StorageFailed:
            return 507;
        case ErrorCode::Conflict:
            return 409;
        default:
            break;
    }
    switch (codeClass(code)) {
        case ErrorClass::usage:
            return 400;
        case ErrorClass::refused:
            return 409;
        case ErrorClass::missing:
            return 404;
        case ErrorClass::denied:
            return 401;
        case ErrorClass::failed:
            return 502;
        case ErrorClass::unknown:
            return 504;
        case ErrorClass::bug:
            return 500;
    }
    return 500;
}

std::string describe(const Error& error) {
    std::string text(codeName(error.code));
    text += ": ";
    text += error.message.empty() ? std::string(codeSentence(error.code)) : error.message;
    if (!error.hint.empty()) text += " (hint: " + error.hint + ")";
    return text;
}

}  // namespace swb
