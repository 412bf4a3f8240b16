// What a command function works with: the output, the API (connected when first used), and stdin, which has one use
// only.
#pragma once

#include <memory>

#include "swing/api_client.h"
#include "swing/command.h"
#include "swing/output.h"

namespace swb::swing {

class Context {
  public:
    Context(Output& output, ConnectionFlags flags) : output_(output), flags_(std::move(flags)) {}

    Output& output() { return output_; }
    Result<ApiClient*> api();
    // All of stdin; refused when the token already came from there.
    Result<std::string> readInput(size_t maxBytes);
    // Questions are for people: never with --json, never when stdin carries the token.
    bool mayAsk() const;

  private:
    Output& output_;
    ConnectionFlags flags_;
    std::unique_ptr<ApiClient> api_;
};

// The object itself where an answer has just that one member: {"group": {…}} → {…}.
Json unwrapped(const Json& answer, std::string_view member);
// The array of that name; empty when there is none.
const JsonArray& arrayOf(const Json& answer, std::string_view member);

// Asks before something is deleted for good. Error (refused) when the answer is no; silent when nobody can be asked.
Result<void> confirmOnTerminal(Context& context, const Arguments& arguments, std::string_view question);

}  // namespace swb::swing
