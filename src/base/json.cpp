#include "base/json.h"

#include <algorithm>
#include <cmath>
#include <limits>

// The whole of Boost.JSON is compiled here once; nothing links the library package.
#include <boost/json/src.hpp>

namespace swb {
namespace {

bool isFinite(const Json& value) {
    if (value.is_double()) return std::isfinite(value.get_double());
    if (value.is_array()) return std::all_of(value.get_array().begin(), value.get_array().end(), isFinite);
    if (value.is_object())
        return std::all_of(value.get_object().begin(), value.get_object().end(),
                           [](const auto& member) { return isFinite(member.value()); });
    return true;
}

}  // namespace

Result<Json> parseJson(std::string_view text, size_t maxBytes) {
    if (text.size() > maxBytes)
        return fail(ErrorCode::TooLarge,
                    "JSON of " + std::to_string(text.size()) + " bytes; the limit is " + std::to_string(maxBytes));
    boost::json::parse_options options;
    options.max_depth = 32;
    boost::json::error_code failure;
    Json value = boost::json::parse(boost::json::string_view(text.data(), text.size()), failure, {}, options);
    if (failure) return fail(ErrorCode::InvalidInput, "not valid JSON: " + failure.message());
    // Too many digits become infinity, which would be written as "Infinity": nobody could read that document again.
    if (!isFinite(value)) return fail(ErrorCode::InvalidInput, "not valid JSON: a number is too large");
    return value;
}

std::string toText(const Json& value) {
    return boost::json::serialize(value);
}

namespace {

void pretty(const Json& value, int depth, std::string& out) {
    const std::string indent(static_cast<size_t>(depth) * 2, ' ');
    if (value.is_object() && !value.get_object().empty()) {
        out += "{\n";
        size_t left = value.get_object().size();
        for (const auto& member : value.get_object()) {
            out += indent + "  " + boost::json::serialize(Json(member.key())) + ": ";
            pretty(member.value(), depth + 1, out);
            out += --left ? ",\n" : "\n";
        }
        out += indent + "}";
    } else if (value.is_array() && !value.get_array().empty()) {
        out += "[\n";
        size_t left = value.get_array().size();
        for (const auto& element : value.get_array()) {
            out += indent + "  ";
            pretty(element, depth + 1, out);
            out += --left ? ",\n" : "\n";
        }
        out += indent + "]";
    } else {
        out += boost::json::serialize(value);
    }
}

}  // namespace

std::string toPrettyText(const Json& value) {
    std::string out;
    pretty(value, 0, out);
    return out;
}

namespace {

// People write 80 and true where a string is meant; both have one obvious text.
std::optional<std::string> scalarText(const Json& value) {
    if (value.is_string()) return std::string(value.get_string());
    if (value.is_int64() || value.is_uint64() || value.is_bool()) return boost::json::serialize(value);
    return std::nullopt;
}

}  // namespace

JsonReader::JsonReader(const Json& value, std::string path) : path_(std::move(path)) {
    if (value.is_object())
        object_ = &value.get_object();
    else
        error_ = Error(ErrorCode::InvalidInput, (path_.empty() ? "the document" : path_) + " must be an object");
}

std::string JsonReader::pathOf(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void JsonReader::problem(std::string_view key, std::string_view what) {
    if (!error_) error_ = Error(ErrorCode::InvalidInput, pathOf(key) + " " + std::string(what));
}

const Json* JsonReader::find(std::string_view key) {
    if (!object_) return nullptr;
    seen_.emplace_back(key);
    const auto* member = object_->if_contains(key);
    return member && !member->is_null() ? member : nullptr;
}

bool JsonReader::has(std::string_view key) const {
    return object_ && object_->contains(key);
}

std::string JsonReader::string(std::string_view key) {
    const Json* value = find(key);
    if (!value) {
        problem(key, "is required");
        return {};
    }
    if (!value->is_string()) {
        problem(key, "must be a string");
        return {};
    }
    return std::string(value->get_string());
}

std::string JsonReader::string(std::string_view key, std::string_view fallback) {
    if (!object_ || !object_->contains(key) || object_->at(key).is_null()) {
        find(key);
        return std::string(fallback);
    }
    return string(key);
}

int64_t JsonReader::integer(std::string_view key) {
    const Json* value = find(key);
    if (!value) {
        problem(key, "is required");
        return 0;
    }
    boost::json::error_code failure;
    const int64_t number = value->to_number<int64_t>(failure);
    if (failure || value->is_double()) {
        problem(key, "must be a whole number");
        return 0;
    }
    return number;
}

int64_t JsonReader::integer(std::string_view key, int64_t fallback) {
    if (!object_ || !object_->contains(key) || object_->at(key).is_null()) {
        find(key);
        return fallback;
    }
    return integer(key);
}

double JsonReader::number(std::string_view key, double fallback) {
    const Json* value = find(key);
    if (!value) return fallback;
    boost::json::error_code failure;
    const double number = value->to_number<double>(failure);
    if (failure) problem(key, "must be a number");
    return failure ? fallback : number;
}

bool JsonReader::boolean(std::string_view key, bool fallback) {
    const Json* value = find(key);
    if (!value) return fallback;
    if (!value->is_bool()) {
        problem(key, "must be true or false");
        return fallback;
    }
    return value->get_bool();
}

std::vector<std::string> JsonReader::strings(std::string_view key) {
    std::vector<std::string> out;
    const JsonArray* elements = array(key);
    if (!elements) return out;
    for (const auto& element : *elements) {
        auto text = scalarText(element);
        if (!text) {
            problem(key, "must be a list of strings");
            return {};
        }
        out.push_back(std::move(*text));
    }
    return out;
}

std::vector<std::pair<std::string, std::string>> JsonReader::stringMap(std::string_view key) {
    std::vector<std::pair<std::string, std::string>> out;
    const JsonObject* members = object(key);
    if (!members) return out;
    for (const auto& member : *members) {
        auto text = scalarText(member.value());
        if (!text) {
            problem(key, "must map names to strings");
            return {};
        }
        out.emplace_back(member.key(), std::move(*text));
    }
    return out;
}

const Json* JsonReader::child(std::string_view key) {
    return find(key);
}

const JsonArray* JsonReader::array(std::string_view key) {
    const Json* value = find(key);
    if (value && !value->is_array()) {
        problem(key, "must be a list");
        return nullptr;
    }
    return value ? &value->get_array() : nullptr;
}

const JsonObject* JsonReader::object(std::string_view key) {
    const Json* value = find(key);
    if (value && !value->is_object()) {
        problem(key, "must be an object");
        return nullptr;
    }
    return value ? &value->get_object() : nullptr;
}

Result<void> JsonReader::finish() {
    if (!error_ && !allowUnknown_ && object_) {
        for (const auto& member : *object_)
            if (std::find(seen_.begin(), seen_.end(), std::string_view(member.key())) == seen_.end()) {
                problem(member.key(), "is not a known key");
                break;
            }
    }
    if (error_) return fail(*error_);
    return {};
}

const Json* memberAt(const Json& value, std::string_view key) {
    return value.is_object() ? value.get_object().if_contains(key) : nullptr;
}

std::string textAt(const Json& value, std::string_view key, std::string_view fallback) {
    const Json* member = memberAt(value, key);
    return member && member->is_string() ? std::string(member->get_string()) : std::string(fallback);
}

int64_t integerAt(const Json& value, std::string_view key, int64_t fallback) {
    const Json* member = memberAt(value, key);
    if (!member || !member->is_number()) return fallback;
    boost::json::error_code failure;
    const int64_t number = member->to_number<int64_t>(failure);
    return failure ? fallback : number;
}

bool booleanAt(const Json& value, std::string_view key, bool fallback) {
    const Json* member = memberAt(value, key);
    return member && member->is_bool() ? member->get_bool() : fallback;
}

Json errorToJson(const Error& error) {
    return JsonObject{{"code", codeName(error.code)}, {"message", error.message}, {"hint", error.hint}};
}

Error errorFromJson(const Json& value) {
    const auto code = codeFromName(textAt(value, "code"));
    return Error(code.value_or(ErrorCode::ProtocolViolation), textAt(value, "message"), textAt(value, "hint"));
}

}  // namespace swb
