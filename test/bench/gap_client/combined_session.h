// Several databases of one application: a write is acknowledged when each of them has it, in their order.
#pragma once

#include "gap_client/session.h"

namespace swb::bench {

class CombinedSession final : public Session {
  public:
    explicit CombinedSession(std::vector<std::unique_ptr<Session>> parts) : parts_(std::move(parts)) {}
    bool connected() const override;
    Trouble connect() override;
    Trouble insert(const std::string& tag) override;

  private:
    std::vector<std::unique_ptr<Session>> parts_;
};

}  // namespace swb::bench
