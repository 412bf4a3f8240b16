#include "driver/redis/resp.h"

#include <charconv>

namespace swb::driver::redis {

namespace {

tl::unexpected<Error> violation(std::string_view what) {
    return fail(ErrorCode::ProtocolViolation, "the server does not speak the Redis protocol: " + std::string(what),
                "Check that the address is the one of a Redis or Valkey server, and the right port for TLS or not.");
}

class Reader {
  public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}
    size_t position() const { return position_; }

    Result<std::optional<Reply>> read(int depth) {
        if (depth > replyDepthMax || ++elements_ > replyElementsMax)
            return fail(ErrorCode::TooLarge, "a reply of the server is nested too deep or has too many elements");
        const auto line = TRY(readLine());
        if (!line) return std::nullopt;
        if (line->empty()) return violation("an empty line");
        const std::string_view rest = line->substr(1);
        Reply reply;
        switch (line->front()) {
            case '+':
            case '-':
                reply.kind = line->front() == '+' ? Reply::Kind::text : Reply::Kind::error;
                reply.text = rest;
                return reply;
            case ':':
                reply.kind = Reply::Kind::integer;
                reply.integer = TRY(number(rest, INT64_MIN, INT64_MAX));
                return reply;
            case '$':
                return readBulk(rest);
            case '*':
                return readList(rest, depth);
            default:
                return violation("an unknown kind of reply");
        }
    }

  private:
    static constexpr size_t lineBytesMax = 64 << 10;

    Result<std::optional<std::string_view>> readLine() {
        const size_t end = bytes_.find("\r\n", position_);
        if (end == std::string_view::npos) {
            if (bytes_.size() - position_ > lineBytesMax) return violation("a line without an end");
            return std::nullopt;
        }
        if (end - position_ > lineBytesMax) return violation("a line that is too long");
        const std::string_view line = bytes_.substr(position_, end - position_);
        position_ = end + 2;
        return line;
    }
    static Result<int64_t> number(std::string_view text, int64_t least, int64_t most) {
        int64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
            return violation("a number that is none");
        return value;
    }
    Result<std::optional<Reply>> readBulk(std::string_view length) {
        const int64_t size = TRY(number(length, -1, INT64_MAX));
        if (size < 0) return Reply{};
        if (static_cast<uint64_t>(size) > replyBytesMax)
            return fail(ErrorCode::TooLarge, "a reply of the server is longer than what is read of it");
        const size_t wanted = static_cast<size_t>(size);
        if (bytes_.size() - position_ < wanted + 2) return std::nullopt;
        if (bytes_.substr(position_ + wanted, 2) != "\r\n") return violation("a string without its end");
        Reply reply;
        reply.kind = Reply::Kind::text;
        reply.text = bytes_.substr(position_, wanted);
        position_ += wanted + 2;
        return reply;
    }
    Result<std::optional<Reply>> readList(std::string_view length, int depth) {
        const int64_t count = TRY(number(length, -1, INT64_MAX));
        if (count > static_cast<int64_t>(replyElementsMax))
            return fail(ErrorCode::TooLarge, "a reply of the server has more elements than are read of it");
        Reply reply;
        if (count < 0) return reply;
        reply.kind = Reply::Kind::list;
        for (int64_t i = 0; i < count; ++i) {
            auto element = TRY(read(depth + 1));
            if (!element) return std::nullopt;
            reply.list.push_back(std::move(*element));
        }
        return reply;
    }

    std::string_view bytes_;
    size_t position_ = 0;
    size_t elements_ = 0;
};

}  // namespace

std::string_view Reply::errorName() const {
    if (!isError()) return {};
    const std::string_view all = text;
    return all.substr(0, all.find(' '));
}

std::optional<std::string> Reply::valueOf(std::string_view name) const {
    for (size_t i = 0; i + 1 < list.size(); i += 2)
        if (list[i].text == name)
            return list[i + 1].kind == Kind::integer ? std::to_string(list[i + 1].integer) : list[i + 1].text;
    return std::nullopt;
}

Result<std::optional<ParsedReply>> parseReply(std::string_view bytes) {
    Reader reader(bytes);
    auto reply = TRY(reader.read(0));
    if (!reply) return std::nullopt;
    return ParsedReply{std::move(*reply), reader.position()};
}

std::string encodeCommand(const Command& command) {
    std::string bytes = "*" + std::to_string(command.size()) + "\r\n";
    for (const auto& word : command) bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    return bytes;
}

}  // namespace swb::driver::redis
