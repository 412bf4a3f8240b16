// A string that prints as ***: passwords and tokens travel in this type so that no log line can show them.
#pragma once

#include <fmt/format.h>

#include <ostream>
#include <string>

namespace swb {

class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    // The one way to the text; grep for it.
    const std::string& reveal() const { return value_; }
    bool empty() const { return value_.empty(); }

  private:
    std::string value_;
};

inline std::ostream& operator<<(std::ostream& out, const Secret&) {
    return out << "***";
}

}  // namespace swb

template <>
struct fmt::formatter<swb::Secret> : fmt::formatter<std::string_view> {
    auto format(const swb::Secret&, fmt::format_context& context) const {
        return fmt::formatter<std::string_view>::format("***", context);
    }
};
