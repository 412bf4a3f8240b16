#include "driver/redis/connection.h"

namespace swb::driver::redis {

tl::unexpected<Error> serverError(const Reply& reply) {
    const std::string_view name = reply.errorName();
    if (name == "NOAUTH" || name == "WRONGPASS" || name == "NOPERM")
        return fail(ErrorCode::DatabaseFailed, "the server answered: " + reply.text,
                    "Look at the server's users with ACL LIST.");
    return fail(ErrorCode::DatabaseFailed, "the server answered: " + reply.text);
}

Result<Connection> Connection::open(const Endpoint& endpoint, MonotonicMs deadline) {
    return Connection(TRY(Stream::open(endpoint, deadline)));
}

Result<Reply> Connection::read(MonotonicMs deadline) {
    for (;;) {
        if (!received_.empty()) {
            auto parsed = TRY(parseReply(received_));
            if (parsed) {
                received_.erase(0, parsed->bytes);
                return std::move(parsed->reply);
            }
        }
        received_ += TRY(stream_.read(deadline));
    }
}

Result<std::vector<Reply>> Connection::callAll(const std::vector<Command>& commands, MonotonicMs deadline) {
    if (broken_) return fail(ErrorCode::Bug, "a broken connection is used");
    std::string bytes;
    for (const auto& command : commands) bytes += encodeCommand(command);
    broken_ = true;  // until everything is answered
    TRY_VOID(stream_.write(bytes, deadline));
    std::vector<Reply> replies;
    for (size_t i = 0; i < commands.size(); ++i) replies.push_back(TRY(read(deadline)));
    broken_ = false;
    return replies;
}

Result<Reply> Connection::call(const Command& command, MonotonicMs deadline) {
    auto replies = TRY(callAll({command}, deadline));
    if (replies[0].isError()) return serverError(replies[0]);
    return std::move(replies[0]);
}

Result<void> Connection::logIn(const std::string& user, const Secret& password, MonotonicMs deadline) {
    Command command = {"AUTH"};
    if (!user.empty()) command.push_back(user);
    command.push_back(password.reveal());
    TRY(call(command, deadline));
    return {};
}

Result<Info> Connection::info(const std::string& section, MonotonicMs deadline) {
    return Info::parse(TRY(call({"INFO", section}, deadline)).text);
}

}  // namespace swb::driver::redis
